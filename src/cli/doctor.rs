//! `smokejumper doctor`: reach everything that a watch will need, exercise every permission to read,
//! and say what is missing. Changes nothing.

use super::arguments::DoctorArguments;
use super::formats::Format;
use super::session::{Session, environment};
use super::state;
use super::stop::Stop;
use super::watch::connect;
use super::{exit, refuse};
use crate::engine::doctor::{Doctor, Examination, Patient};
use crate::plan::ServicePlan;
use crate::report::doctor;

/// Runs the command and says with which code it ends.
pub async fn run(arguments: DoctorArguments) -> u8 {
    let session = match Session::open(&arguments.common, &arguments.reports) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return refuse(&session.terminal, exit::INTERNAL, &error.to_string()),
    };
    let (context, shown) = session.context(&stop, &[]);
    let doctor = Doctor {
        context: &context,
        patients: patients(&session).await,
        controls: &session.plan.controls,
        checks: &session.plan.checks,
        journaling: state::journal(&environment(), session.terminal.mask()).await,
    };
    let examined = stop.unless_insisted(doctor.examine()).await;
    drop(doctor);
    drop(context);
    let examination = match examined {
        Ok(examination) => examination,
        Err(signal) => return shown.give_up(&session.terminal, signal).await,
    };
    let shown = shown.finish().await;
    let code = stop.signal().unwrap_or_else(|| code(&examination));
    let mask = session.terminal.mask();
    let written = session.write(
        |_| doctor::text(&examination, code),
        |format| match format {
            Format::Text => Ok(Some(mask.apply(&doctor::text(&examination, code)))),
            Format::Json => Ok(Some(format!(
                "{}\n",
                doctor::json(&examination, code, mask)?
            ))),
            Format::Samples
            | Format::Ndjson
            | Format::Prometheus
            | Format::Html
            | Format::Junit
            | Format::Markdown => Ok(None),
        },
    );
    session.end(code, shown.and(written))
}

/// The services of which a check was selected, each connected to where it is deployed.
async fn patients(session: &Session) -> Vec<Patient<'_>> {
    let mut patients = Vec::new();
    for service in &session.plan.services {
        let mut checks = session.plan.checks.iter();
        if checks.any(|check| check.facts.service == service.name) {
            patients.push(patient(service).await);
        }
    }
    patients
}

async fn patient(service: &ServicePlan) -> Patient<'_> {
    let target = match &service.platform {
        Some(_) => Some(connect(service).await),
        None => None,
    };
    Patient { service, target }
}

fn code(examination: &Examination) -> u8 {
    match examination.problems() {
        0 => exit::PASS,
        _ => exit::USAGE,
    }
}
