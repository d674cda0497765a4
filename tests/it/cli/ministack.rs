//! `watch` against another ECS than our own stand-in: what is deployed there decides how the page
//! answers, the release is bad, and the service is returned by `UpdateService`.
