//! Errors as AWS answers them.

/// An API error: the code and text that AWS would send, and the HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// As on the wire, for example `VolumeInUse`.
    pub code: String,
    /// AWS's text.
    pub message: String,
    pub status: u16,
}

impl ApiError {
    /// An error with status 400, as most are.
    pub fn new(code: &str, message: impl Into<String>) -> ApiError {
        ApiError { code: code.to_owned(), message: message.into(), status: 400 }
    }

    /// The same error with another HTTP status.
    pub fn with_status(self, status: u16) -> ApiError {
        ApiError { status, ..self }
    }
}

/// The answer of an API call.
pub type ApiResult<T> = Result<T, ApiError>;
