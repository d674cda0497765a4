//! Whether what is computed is right: against scipy, against recorded vectors, against a slow and
//! plain judge in Python. Speed is no matter here, and neither is how anything is shown.

mod golden;
mod judge;
mod martingale;
mod scipy;
