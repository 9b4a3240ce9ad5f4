package audit

import (
	"strconv"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Target is a process that a record is about, in addition to its origin: the new process, or the one that got a
// token.
type Target struct {
	ProcessID   uint64
	ProcessName string
	Token       *token.Token
}

// values returns the four Target fields: SID, name, domain and logon id of the account of the target's token.
func (t *Target) values(from *Origin) Values {
	var l fieldList
	from.appendToken(&l, "Target", t.Token)
	v := Values{}
	for i := range l {
		v[l[i].Name] = []string{l[i].text}
	}
	return v
}

// ProcessCreated records the creation of process t, event 4688, if Process Creation is on for success. parent is the
// name of the parent process. The command line is never recorded.
func (l *Log) ProcessCreated(from Origin, t Target, parent string) ntstatus.Status {
	if !l.Records(ProcessCreation, Success, from.Subject.Effective()) {
		return ntstatus.Success
	}
	from = l.named(from)
	v := t.values(&from)
	v["NewProcessId"], v["NewProcessName"] = []string{winnt.LUID(t.ProcessID).String()}, []string{t.ProcessName}
	v["ParentProcessName"] = []string{parent}
	if t.Token != nil {
		v["MandatoryLabel"] = []string{"S-1-16-" + strconv.FormatUint(uint64(t.Token.Integrity()), 10)}
	}
	return l.writeSuccess(4688, from, v)
}

// ProcessExited records the end of a process, event 4689, if Process Termination is on for success. from is the
// process that ended, with its own token, and status its exit status.
func (l *Log) ProcessExited(from Origin, status ntstatus.Status) ntstatus.Status {
	if !l.Records(ProcessTermination, Success, from.Subject.Effective()) {
		return ntstatus.Success
	}
	// The record names the process that ended and its own account (U-86).
	return l.writeSuccess(4689, l.named(from), Values{"Status": {"0x" + strconv.FormatUint(uint64(status), 16)}})
}

// TokenAssigned records that process t got another primary token, event 4696, if Process Creation is on for success.
func (l *Log) TokenAssigned(from Origin, t Target) ntstatus.Status {
	if !l.Records(ProcessCreation, Success, from.Subject.Effective()) {
		return ntstatus.Success
	}
	from = l.named(from)
	v := t.values(&from)
	v["TargetProcessId"] = []string{winnt.LUID(t.ProcessID).String()}
	v["TargetProcessName"] = []string{t.ProcessName}
	return l.writeSuccess(4696, from, v)
}

// writeSuccess builds an event with outcome success from its fields, and writes it. It returns STATUS_UNSUCCESSFUL if
// [Make] fails, because the event has other fields. Otherwise it returns the status of [Log.Write].
func (l *Log) writeSuccess(eventID uint16, from Origin, fields Values) ntstatus.Status {
	e, err := Make(eventID, Success, from, fields)
	if err != nil {
		return ntstatus.Unsuccessful // a bug: fields are not those of the event in the catalogue
	}
	return l.write(from, e)
}
