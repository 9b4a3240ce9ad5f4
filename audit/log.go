package audit

import (
	"errors"
	"sync/atomic"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// Log is what a kernel records audit events with: the policy in force, the sink, and the other data that records
// need. Its methods that record return the status of [Log.Write], which is a success if the policy wants no record.
// The zero value has the default policy and no sink. It stores no record, and each operation that needs one fails.
// Set the fields before first use and do not change them afterwards. Change the policy through [Active]. A Log must
// not be copied.
type Log struct {
	Policy   Active
	Sink     Sink
	Names    Names        // nil: names are recorded as "-"
	Computer string       // of every record
	Clock    func() int64 // UTC, 100-ns units since 1601-01-01; nil: 0

	loss atomic.Pointer[loss] // the newest record that was not kept; nil: every one was
}

// loss is the error for a record that the sink did not keep. Immutable.
type loss struct{ err error }

// errNoSink is the error for a record in a log without a sink.
var errNoSink = errors.New("the audit log has no sink: no record can be kept")

// Write adds the time and computer to a record and passes it to the sink. If the sink cannot keep the record, the
// policy decides:
//   - By default the operation continues (U-65).
//   - With CrashOnAuditFail the status is STATUS_AUDIT_FAILED. The operation must fail and grant nothing (U-64).
//
// Without a sink the status is STATUS_AUDIT_FAILED under every policy (U-59). Services that must not fail, such as
// close and revert, ignore the status. Do not hold a lock during the call.
func (l *Log) Write(event Event) ntstatus.Status {
	if l.Sink == nil {
		return l.failed(errNoSink)
	}
	l.stamp(&event)
	if err := l.Sink.Write(event); err != nil {
		return l.failed(err)
	}
	return ntstatus.Success
}

// WriteLater writes a record that no operation depends on, and reports whether the sink accepted it. It does not wait
// if the sink is a [LaterSink]. A loss has no effect (U-92). Without a sink it returns false.
func (l *Log) WriteLater(event Event) bool {
	l.stamp(&event)
	switch sink := l.Sink.(type) {
	case nil:
		return false
	case LaterSink:
		return sink.WriteLater(event) == nil
	default:
		return sink.Write(event) == nil
	}
}

// write writes a record as [Log.Write] does, for the call that from describes. While the sink waits for its disk, that
// call waits through from.Wait.
func (l *Log) write(from Origin, event Event) ntstatus.Status {
	event.wait = from.Wait
	return l.Write(event)
}

// writeAll writes the records of one operation. A [BatchSink] keeps all of them or none. With another sink it stops
// at the first that fails, and those before it are kept. The status is that of [Log.Write].
func (l *Log) writeAll(from Origin, events []Event) ntstatus.Status {
	sink, ok := l.Sink.(BatchSink)
	if !ok || len(events) < 2 {
		for i := range events {
			if st := l.write(from, events[i]); st != ntstatus.Success {
				return st
			}
		}
		return ntstatus.Success
	}
	for i := range events {
		l.stamp(&events[i])
		events[i].wait = from.Wait
	}
	if err := sink.WriteAll(events); err != nil {
		return l.failed(err)
	}
	return ntstatus.Success
}

// stamp sets the time and the computer of a record before it is written. Without a clock the record keeps its time.
func (l *Log) stamp(e *Event) {
	if l.Clock != nil {
		e.Time = l.Clock()
	}
	e.Computer = l.Computer
}

// failed decides whether an operation fails because its record was lost, and stores err for [Log.Loss]. If the policy
// fails closed, or the log has no sink, the status is STATUS_AUDIT_FAILED. A fail-closed policy also switches to
// AuditFailed if there is a sink. Any other policy returns STATUS_SUCCESS.
func (l *Log) failed(err error) ntstatus.Status {
	l.loss.Store(&loss{err})
	if l.Sink == nil {
		// A log without a sink never reports a record as written (U-59).
		return ntstatus.AuditFailed
	}
	if !l.Policy.FailsClosed() {
		// The policy lets the operation go on without its record (U-65).
		return ntstatus.Success
	}
	// A fail-closed policy fails the operation whose record was not kept, and remembers it (U-64).
	l.Policy.failed()
	return ntstatus.AuditFailed
}

// Loss returns the error for the last record that the sink did not keep, or nil if it kept
// every record. The error of a durable log names the file and the cause.
func (l *Log) Loss() error {
	if v := l.loss.Load(); v != nil {
		return v.err
	}
	return nil
}

// writeIf writes the record if the policy records its subcategory and outcome for the account of the origin's
// effective token. Otherwise it returns STATUS_SUCCESS.
func (l *Log) writeIf(from Origin, event Event) ntstatus.Status {
	if !l.Records(event.Subcategory, event.Outcome, from.Subject.Effective()) {
		return ntstatus.Success
	}
	return l.write(from, event)
}

// Records reports whether the policy in force records the outcome for the
// account of t, which is the subject's effective token. If the outcome is on
// for no account, it costs one atomic load.
func (l *Log) Records(subcategory Subcategory, outcome Outcome, t *token.Token) bool {
	return l.Policy.On(subcategory, outcome) && l.Policy.Load().recordsToken(subcategory, outcome, t)
}

// named returns from with a source of account names: its own, or else the log's.
func (l *Log) named(from Origin) Origin {
	if from.Names == nil {
		from.Names = l.Names
	}
	return from
}
