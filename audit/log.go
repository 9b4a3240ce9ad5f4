package audit

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// Log holds what a kernel needs to record: the policy in force, the sink and what records
// need from outside. The zero value has the default policy and no sink. The
// fields are set before first use and not changed afterwards; the policy is
// changed through [Active]. A Log must not be copied.
type Log struct {
	Policy   Active
	Sink     Sink
	Names    Names        // nil: names are recorded as "-"
	Computer string       // of every record
	Clock    func() int64 // UTC, 100-ns units since 1601-01-01; nil: 0
}

// Write stamps a record with time and computer and hands it to the sink. When
// the sink cannot keep it, the policy decides: by default the operation goes
// on (U-65); with CrashOnAuditFail the status is STATUS_AUDIT_FAILED and the
// operation must fail with nothing granted (U-64). Services that may not fail,
// such as close and revert, ignore the status.
//
// No lock may be held across the call.
func (l *Log) Write(e Event) ntstatus.Status {
	if l.Clock != nil {
		e.Time = l.Clock()
	}
	e.Computer = l.Computer
	kept := l.Sink != nil && l.Sink.Write(e) == nil
	if !kept && l.Policy.Load().options.CrashOnAuditFail != ProceedOnAuditFail {
		// A fail-closed policy fails the operation whose record was not kept, and remembers it (U-64).
		l.Policy.failed()
		return ntstatus.AuditFailed
	}
	// The record was kept, or the policy lets the operation go on without it (U-65).
	return ntstatus.Success
}

// writeIf writes the record if the policy records its subcategory and outcome
// for the account of the token.
func (l *Log) writeIf(t *token.Token, e Event) ntstatus.Status {
	if !l.Records(e.Subcategory, e.Outcome, t) {
		return ntstatus.Success
	}
	return l.Write(e)
}

// Records reports whether the policy in force records the outcome for the
// account of the token, the subject's effective one. When nothing of the kind
// is on for anybody it costs one load.
func (l *Log) Records(s Subcategory, o Outcome, t *token.Token) bool {
	return l.Policy.On(s, o) && l.Policy.Load().recordsToken(s, o, t)
}

// named returns the origin with the log's names.
func (l *Log) named(from Origin) Origin {
	if from.Names == nil {
		from.Names = l.Names
	}
	return from
}
