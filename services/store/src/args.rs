//! Parameters of statements: tuples whose members bind alike on both engines.

use oubli_domain::{
    AppId, CertificateId, ClaimId, ClientId, Day, EventId, ExportId, IdentifierId, JobId, Name,
    RecordId, RequestId, SessionId, SubjectId, Time, UserId,
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
        }
        impl Bind for Option<$type> {
            fn lite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
                args.add(self)
            }
            fn pg(self, args: &mut PgArguments) -> Result<(), BoxDynError> {
                args.add(self)
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
        }
        impl Bind for Option<$type> {
            fn lite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
                Bind::lite(self.map($raw), args)
            }
            fn pg(self, args: &mut PgArguments) -> Result<(), BoxDynError> {
                Bind::pg(self.map($raw), args)
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
}
