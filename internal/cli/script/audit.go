package script

import (
	"encoding/json"
	"fmt"
	"strings"

	starjson "go.starlark.net/lib/json"
	"go.starlark.net/starlark"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// auditPolicy implements audit_policy: it replaces the system audit policy. The settings map subcategories to words,
// such as {"File System": "success,failure"}. "" and none add nothing. All other subcategories are turned off, so an
// empty dict turns all off. An unknown subcategory or word, and a value of another type, leave the policy unchanged and
// are errors.
func (r *Runner) auditPolicy(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var settings *starlark.Dict
	full, crash := false, false
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "settings", &settings, "full_privilege_auditing?", &full,
		"crash_on_audit_fail?", &crash); err != nil {
		return nil, err
	}
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{},
		Options: audit.Options{FullPrivilegeAuditing: full}}
	if crash {
		spec.Options.CrashOnAuditFail = audit.FailOnAuditFail
	}
	for _, kv := range settings.Items() {
		name, err := goString(kv[0])
		if err != nil {
			return nil, fmt.Errorf("audit_policy: %s: %w", kv[0], err)
		}
		text, err := goString(kv[1])
		if err != nil {
			return nil, fmt.Errorf("audit_policy: %s: %w", name, err)
		}
		sub, err := audit.ParseSubcategory(name)
		if err != nil {
			return nil, fmt.Errorf("audit_policy: %w", err)
		}
		for _, word := range strings.Split(text, ",") {
			switch strings.TrimSpace(word) {
			case "success":
				spec.System[sub] |= audit.OnSuccess
			case "failure":
				spec.System[sub] |= audit.OnFailure
			case "", "none":
			default:
				return nil, fmt.Errorf("audit_policy: %s: %q: want success, failure or both with a comma", name, text)
			}
		}
	}
	p, err := audit.NewPolicy(spec)
	if err != nil {
		return nil, fmt.Errorf("audit_policy: %w", err)
	}
	r.sys.Audit().Policy.Store(p)
	return starlark.None, nil
}

// auditSink stores records in memory until the program makes it full.
type auditSink struct {
	audit.Memory
	full    bool
	durable audit.Sink // takes each record first; may be nil
}

// Write stores a record, first in the durable sink if there is one. It returns audit.ErrFull while the log is full, and
// the error of the durable sink; the record is then not in memory.
func (s *auditSink) Write(e audit.Event) error {
	if s.full {
		return audit.ErrFull
	}
	if s.durable != nil {
		if err := s.durable.Write(e); err != nil {
			return err
		}
	}
	return s.Memory.Write(e)
}

// auditFull implements audit_full(full): with True the audit log rejects records, with False it accepts them again.
func (r *Runner) auditFull(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return starlark.None, starlark.UnpackArgs(b.Name(), args, kwargs, "full", &r.sink.full)
}

// auditRecords implements audit_records: it returns the records since the last call as dictionaries with the keys of
// their JSON. Without records it returns an empty list. It takes no arguments.
func (r *Runner) auditRecords(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	list := []json.RawMessage{}
	for _, e := range r.sink.Drain() {
		list = append(list, e.AppendJSON(nil))
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("audit_records: %w", err)
	}
	decode := starjson.Module.Members["decode"].(*starlark.Builtin)
	return starlark.Call(r.thread, decode, starlark.Tuple{starlark.String(text)}, nil)
}

// text converts a string to a captured UNICODE_STRING. None is a NULL pointer, which faults with
// STATUS_ACCESS_VIOLATION. Other values are an error.
func text(v starlark.Value) (nt.Captured[string], error) {
	if v == starlark.None {
		return nt.Captured[string]{Status: ntstatus.AccessViolation}, nil
	}
	s, ok := starlark.AsString(v)
	if !ok {
		return nt.Captured[string]{}, fmt.Errorf("want a string or None, got %s", v.Type())
	}
	return nt.Cap(s), nil
}
