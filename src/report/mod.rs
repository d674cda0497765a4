//! Under construction: report.
