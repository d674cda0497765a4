//! What PostgreSQL says of the columns of an answer, and how its rows are read.

use tokio_postgres::SimpleQueryRow;
use tokio_postgres::types::{Kind, Type};

use super::fault::Broken;
use crate::probe::database::{Answer, Column, Form, TooManyRows};

/// What the server says of a column.
pub fn of(column: &tokio_postgres::Column) -> Column {
    Column::new(column.name().to_owned(), form(column.type_()))
}

/// Whether a column's type is one that every server has.
pub fn is_built_in(column: &tokio_postgres::Column) -> bool {
    column.type_().oid() < FIRST_OF_USERS
}

/// Types from this number on are made by those who use the server (PostgreSQL's
/// `FirstNormalObjectId`, `src/include/access/transam.h`).
const FIRST_OF_USERS: u32 = 16_384;

fn form(of: &Type) -> Form {
    match *of {
        Type::INT2
        | Type::INT4
        | Type::INT8
        | Type::OID
        | Type::FLOAT4
        | Type::FLOAT8
        | Type::NUMERIC => Form::Number,
        Type::BOOL => Form::Boolean,
        Type::JSON | Type::JSONB => Form::Json,
        _ => match of.kind() {
            Kind::Domain(base) => form(base),
            _ => Form::Text,
        },
    }
}

/// Takes the next row of an answer in.
///
/// # Errors
/// When there are more rows than a check may read, or a text is no UTF-8.
pub fn take(answer: &mut Answer, row: &SimpleQueryRow) -> Result<(), Broken> {
    answer.take((0..row.len()).map(|at| row.try_get(at).map_err(Broken::Asking)))
}

impl From<TooManyRows> for Broken {
    fn from(TooManyRows(most): TooManyRows) -> Self {
        Self::TooManyRows(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_column_says_how_its_text_is_read() {
        for (of, expected) in [
            (Type::INT8, Form::Number),
            (Type::NUMERIC, Form::Number),
            (Type::FLOAT8, Form::Number),
            (Type::BOOL, Form::Boolean),
            (Type::JSONB, Form::Json),
            (Type::TEXT, Form::Text),
            (Type::TIMESTAMPTZ, Form::Text),
        ] {
            assert_eq!(form(&of), expected, "{of}");
        }
    }
}
