//! Parameters of statements: tuples whose members bind alike on both engines.

use oubli_domain::{
    AppId, CertificateId, ClaimId, ClientId, Day, EventId, ExportId, HoldId, IdentifierId, JobId,
    KeptItemId, Name, RecordId, RequestId, SessionId, SubjectId, Time, UserId,
};
use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

/// One parameter.
pub(crate) trait Bind: Send {
    fn lite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError>;
    fn pg(self, args: &mut PgArguments) -> Result<(), BoxDynError>;
    /// The values of a column as one array, which PostgreSQL alone has.
    fn pg_array(column: Vec<Self>, args: &mut PgArguments) -> Result<(), BoxDynError>
    where
        Self: Sized;
}

/// The parameters of a statement, in order.
pub(crate) trait Args: Send {
    fn lite(self) -> Result<SqliteArguments, BoxDynError>;
    fn pg(self) -> Result<PgArguments, BoxDynError>;
}

macro_rules! bind_primitives {
    ($($type:ty),*) => {$(
        impl Bind for $type {
            fn lite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
                args.add(self)
            }
            fn pg(self, args: &mut PgArguments) -> Result<(), BoxDynError> {
                args.add(self)
            }
            fn pg_array(column: Vec<Self>, args: &mut PgArguments) -> Result<(), BoxDynError> {
                args.add(column)
            }
        }
        impl Bind for Option<$type> {
            fn lite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
                args.add(self)
            }
            fn pg(self, args: &mut PgArguments) -> Result<(), BoxDynError> {
                args.add(self)
            }
            fn pg_array(column: Vec<Self>, args: &mut PgArguments) -> Result<(), BoxDynError> {
                args.add(column)
            }
        }
    )*};
}
bind_primitives!(i64, i32, bool, String, &str, Vec<u8>, &[u8], Uuid);

/// Binds a domain type as the primitive that `$raw` makes of it.
macro_rules! bind_as {
    ($($type:ty => $raw:expr),* $(,)?) => {$(
        impl Bind for $type {
            fn lite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
                Bind::lite(($raw)(self), args)
            }
            fn pg(self, args: &mut PgArguments) -> Result<(), BoxDynError> {
                Bind::pg(($raw)(self), args)
            }
            fn pg_array(column: Vec<Self>, args: &mut PgArguments) -> Result<(), BoxDynError> {
                Bind::pg_array(column.into_iter().map($raw).collect(), args)
            }
        }
        impl Bind for Option<$type> {
            fn lite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
                Bind::lite(self.map($raw), args)
            }
            fn pg(self, args: &mut PgArguments) -> Result<(), BoxDynError> {
                Bind::pg(self.map($raw), args)
            }
            fn pg_array(column: Vec<Self>, args: &mut PgArguments) -> Result<(), BoxDynError> {
                let raw = |value: Self| value.map($raw);
                Bind::pg_array(column.into_iter().map(raw).collect(), args)
            }
        }
    )*};
}
bind_as!(
    SubjectId => |id: SubjectId| id.0,
    IdentifierId => |id: IdentifierId| id.0,
    ClaimId => |id: ClaimId| id.0,
    EventId => |id: EventId| id.0,
    RequestId => |id: RequestId| id.0,
    ExportId => |id: ExportId| id.0,
    CertificateId => |id: CertificateId| id.0,
    JobId => |id: JobId| id.0,
    HoldId => |id: HoldId| id.0,
    KeptItemId => |id: KeptItemId| id.0,
    UserId => |id: UserId| id.0,
    SessionId => |id: SessionId| id.0,
    Time => |at: Time| at.0,
    Day => |day: Day| day.0,
    &String => |text: &String| text.clone(),
    &Vec<u8> => |bytes: &Vec<u8>| bytes.clone(),
    &[u8; 32] => |bytes: &[u8; 32]| bytes.to_vec(),
    &AppId => |name: &AppId| name.as_str().to_owned(),
    &Name => |name: &Name| name.as_str().to_owned(),
    &RecordId => |name: &RecordId| name.as_str().to_owned(),
    &ClientId => |name: &ClientId| name.as_str().to_owned(),
);

macro_rules! args_for_tuples {
    ($(($($name:ident)*))*) => {$(
        impl<$($name: Bind),*> Args for ($($name,)*) {
            #[allow(non_snake_case, unused_mut, reason = "a macro over tuples, the empty one too")]
            fn lite(self) -> Result<SqliteArguments, BoxDynError> {
                let mut args = SqliteArguments::default();
                let ($($name,)*) = self;
                $($name.lite(&mut args)?;)*
                Ok(args)
            }
            #[allow(non_snake_case, unused_mut, reason = "a macro over tuples, the empty one too")]
            fn pg(self) -> Result<PgArguments, BoxDynError> {
                let mut args = PgArguments::default();
                let ($($name,)*) = self;
                $($name.pg(&mut args)?;)*
                Ok(args)
            }
        }
    )*};
}
args_for_tuples! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
    (A B C D E F G H I J K L M) (A B C D E F G H I J K L M N)
    (A B C D E F G H I J K L M N O)
    (A B C D E F G H I J K L M N O P Q R S T U V W)
}

/// The rows of an insert: tuples of one type. One row goes as plain values; of more, SQLite takes the
/// values of each row in their order, and PostgreSQL an array for each column.
pub(crate) struct Rows<R>(pub(crate) Vec<R>);

macro_rules! args_for_rows {
    ($($name:ident $at:tt)+) => {
        impl<$($name: Bind),+> Args for Rows<($($name,)+)> {
            fn lite(self) -> Result<SqliteArguments, BoxDynError> {
                let mut args = SqliteArguments::default();
                for row in self.0 {
                    $(row.$at.lite(&mut args)?;)+
                }
                Ok(args)
            }
            #[allow(non_snake_case, reason = "a macro over tuples")]
            fn pg(mut self) -> Result<PgArguments, BoxDynError> {
                if self.0.len() == 1 && let Some(row) = self.0.pop() {
                    return row.pg();
                }
                $(let mut $name = Vec::with_capacity(self.0.len());)+
                for row in self.0 {
                    $($name.push(row.$at);)+
                }
                let mut args = PgArguments::default();
                $(Bind::pg_array($name, &mut args)?;)+
                Ok(args)
            }
        }
    };
}

/// For the first of these, the first two, and so on.
macro_rules! args_for_rows_of_each_length {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] $name:ident $at:tt $($rest:tt)*) => {
        args_for_rows!($($done)* $name $at);
        args_for_rows_of_each_length!([$($done)* $name $at] $($rest)*);
    };
}
args_for_rows_of_each_length! {
    [] A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14
}
