//! Answers of a name server, as the client that we use reads them. Nothing is asked here: an answer
//! would send us to whatever address it names.

#![no_main]

use hickory_resolver::proto::op::Message;
use libfuzzer_sys::fuzz_target;
use smokejumper_fuzz::line;

fuzz_target!(|data: &[u8]| {
    // Over UDP no more than this comes, and over TCP hardly ever.
    if data.len() > 65_535 {
        return;
    }
    let Ok(message) = Message::from_vec(data) else {
        return;
    };
    for record in &message.answers {
        line(&record.name.to_string());
    }
    for query in &message.queries {
        line(&query.name().to_string());
    }
});
