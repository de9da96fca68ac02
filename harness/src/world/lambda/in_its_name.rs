//! Lambda's own calls in a function's name, with the function's role: it writes logs, and reports invocations given up.

use serde_json::json;

use super::{DeadLetter, Invocation, InvokeSettings, Lambda};
use crate::iam::{Caller, Check};
use crate::world::history::Fact;
use crate::world::{ACCOUNT, REGION, World};

impl Lambda {
    pub(super) fn invoke_settings(&self, function: &str) -> InvokeSettings {
        self.functions.get(function).map(|settings| settings.invoke.clone()).unwrap_or_default()
    }
}

impl World {
    /// A log stream for each new environment, and the lines in it. (Lambda Developer Guide, "Sending Lambda function
    /// logs to CloudWatch Logs".) Here every invocation has an environment of its own.
    pub(super) fn write_logs(&mut self, function: &str) {
        let group = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{function}");
        let stream = format!("{group}:log-stream:{}/[$LATEST]", self.now().iso_seconds());
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            self.may_in_its_name(function, &Check::new(action, stream.clone()));
        }
    }

    /// An invocation has failed for the last time, or is too old: its record goes to the queue, if there is one.
    /// (Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".)
    pub(super) fn give_up(&mut self, invocation: Invocation) {
        let Invocation { function, payload, .. } = invocation;
        let Some(queue) = self.lambda.invoke_settings(&function).on_failure else { return };
        if self.may_in_its_name(&function, &Check::new("sqs:SendMessage", queue.clone())) {
            self.lambda.dead_letters.push(DeadLetter { queue, function, payload });
        }
    }

    fn may_in_its_name(&mut self, function: &str, check: &Check) -> bool {
        let caller = Caller::Function(function.to_owned());
        let allowed = self.iam.may(&caller, check);
        if !allowed {
            self.note(Fact::Called {
                caller,
                operation: check.action.clone(),
                parameters: json!({"resource": check.resource}),
                error: Some("AccessDenied".to_owned()),
            });
        }
        allowed
    }
}
