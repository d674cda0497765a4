//! Who AWS takes us for. Asking needs no permission; that it cannot be asked costs nothing but the
//! answer.

use aws_config::SdkConfig;

use super::told;
use crate::deploy::ecs::fault::{Blame, CallFault};
use crate::deployment::{Examined, State};

/// Who we are, as far as ARNs are made of it.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) partition: String,
    pub(super) account: String,
}

/// Asks the Security Token Service who we are.
pub(super) async fn examine(config: &SdkConfig) -> (Examined, Option<Caller>) {
    let answer = aws_sdk_sts::Client::new(config)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| CallFault::of("GetCallerIdentity", &error));
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) => return (unknown(&fault), None),
    };
    let (account, arn) = (answer.account(), answer.arn());
    let (Some(account), Some(arn)) = (account, arn) else {
        let examined = Examined::of("identity", State::Unknown, "AWS does not say who we are");
        return (examined, None);
    };
    let caller = Caller {
        partition: arn.split(':').nth(1).unwrap_or("aws").to_owned(),
        account: account.to_owned(),
    };
    let detail = format!("account {account}, {}", principal(arn));
    (Examined::of("identity", State::Ok, detail), Some(caller))
}

fn unknown(fault: &CallFault) -> Examined {
    let (state, detail) = told(fault);
    let examined = Examined::of("identity", state, detail);
    match fault.blame {
        // With these nothing else will go either.
        Blame::Credentials => examined,
        _ => Examined {
            lost: Some("only this line".to_owned()),
            ..examined
        },
    }
}

/// The principal without the name of its session, which may say more than a report should.
fn principal(arn: &str) -> &str {
    let is_session = arn.contains(":assumed-role/") || arn.contains(":federated-user/");
    match arn.rsplit_once('/') {
        Some((role, _)) if is_session => role,
        _ => arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_named_without_its_session() {
        let cases = [
            (
                "arn:aws:sts::111122223333:assumed-role/watch/ann@example.com",
                "arn:aws:sts::111122223333:assumed-role/watch",
            ),
            (
                "arn:aws-cn:iam::111122223333:user/team/ann",
                "arn:aws-cn:iam::111122223333:user/team/ann",
            ),
            (
                "arn:aws:iam::111122223333:root",
                "arn:aws:iam::111122223333:root",
            ),
        ];
        for (arn, expected) in cases {
            assert_eq!(principal(arn), expected);
        }
    }
}
