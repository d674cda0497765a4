//! The access of checks to AWS: looked for when the first run asks, and shared by all checks of the
//! same region and endpoint, so that a role is asked for its credentials once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_config::SdkConfig;
use tokio::sync::OnceCell;

use super::configuration::{self, NoAccess, Patience};
use crate::sample::{Fault, Reason};

/// How a check gets at AWS.
#[derive(Debug)]
pub(crate) struct Access {
    place: Place,
    found: OnceCell<SdkConfig>,
}

/// Where AWS is asked, as far as a check says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
}

impl Place {
    /// Where a check says that AWS is asked.
    ///
    /// # Errors
    /// What is wrong with the endpoint.
    pub(crate) fn of(region: Option<String>, endpoint: Option<String>) -> Result<Self, String> {
        if let Some(endpoint) = &endpoint {
            let read = url::Url::parse(endpoint).map_err(|error| error.to_string())?;
            if !matches!(read.scheme(), "http" | "https") || read.host_str().is_none() {
                return Err("an endpoint is `https://` and a host".to_owned());
            }
        }
        Ok(Self { region, endpoint })
    }
}

impl Access {
    /// The access at a place; the same for everybody who asks for it.
    pub(crate) fn at(place: Place) -> Arc<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let access = known.entry(place.clone()).or_insert_with(|| {
            Arc::new(Self {
                place,
                found: OnceCell::new(),
            })
        });
        Arc::clone(access)
    }

    /// An access by a configuration made elsewhere.
    pub(crate) fn with_config(config: &SdkConfig) -> Arc<Self> {
        Arc::new(Self {
            place: Place::default(),
            found: OnceCell::new_with(Some(configuration::for_one_attempt(config))),
        })
    }

    /// The configuration; where there is none yet, the environment is asked for it again.
    pub(crate) async fn config(&self) -> Result<&SdkConfig, Fault> {
        let Place { region, endpoint } = &self.place;
        let load = || {
            configuration::from_environment(region.as_deref(), endpoint.as_deref(), Patience::Once)
        };
        self.found.get_or_try_init(load).await.map_err(|why| {
            let detail = match &why {
                NoAccess::Region => format!("{why}: set `region` on the check, or AWS_REGION"),
                NoAccess::Credentials(_) => format!(
                    "{why}; set AWS_PROFILE or the AWS_ACCESS_KEY_ID pair, or run with a role"
                ),
            };
            Fault::new(Reason::SourceDenied, detail)
        })
    }
}

static KNOWN: LazyLock<Mutex<HashMap<Place, Arc<Access>>>> = LazyLock::new(Mutex::default);
