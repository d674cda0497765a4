//! No secret gets into a history: what targets, platforms and people said is masked when it is
//! handed in. Names are kept as they are.

use serde_json::Value;

use crate::secret::Mask;
use crate::store::history::Batch;

/// Masks what a batch says.
pub fn mask(batch: &mut Batch, mask: &Mask) {
    let hide = |text: &mut String| *text = mask.apply(text);
    for seen in &mut batch.samples {
        if let Some(fault) = &mut seen.sample.fault {
            hide(&mut fault.detail);
            fault.further.iter_mut().for_each(hide);
        }
        seen.sample.notes.iter_mut().for_each(hide);
    }
    for happening in &mut batch.happenings {
        hide(&mut happening.text);
        value(&mut happening.facts, mask);
    }
    let windows = batch.windows.iter_mut();
    windows
        .filter_map(|one| one.report.as_mut())
        .for_each(|report| value(report, mask));
}

fn value(it: &mut Value, mask: &Mask) {
    match it {
        Value::String(text) => *text = mask.apply(text),
        Value::Array(all) => all.iter_mut().for_each(|one| value(one, mask)),
        Value::Object(all) => all.values_mut().for_each(|one| value(one, mask)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
