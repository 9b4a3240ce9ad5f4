package script

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// jobFlags are the security limits of a job (JOB_OBJECT_SECURITY_*).
var jobFlags = map[string]uint32{"NO_ADMIN": 1, "RESTRICTED_TOKEN": 2, "ONLY_TOKEN": 4, "FILTER_TOKENS": 8}

// job implements job: it assigns a process to a new job with limits and returns the status. Limits are names or
// numbers. A refusal by the kernel is a status, not an error. An unknown limit and a missing process are errors of
// the program.
func (r *Runner) job(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("job: want a process and flags: job(server, \"NO_ADMIN\")")
	}
	p, ok := args[0].(*processValue)
	if !ok {
		return nil, fmt.Errorf("job: want a process, got %s", args[0].Type())
	}
	limits := kernel.JobSecurity{}
	for _, a := range args[1:] {
		if n, err := number(a); err == nil && n <= uint64(winnt.JOB_OBJECT_SECURITY_VALID_FLAGS) {
			limits.Flags |= uint32(n) // JOB_OBJECT_SECURITY_NO_ADMIN and relatives are numbers
			continue
		}
		name, _ := starlark.AsString(a)
		f, ok := jobFlags[strings.TrimPrefix(name, "JOB_OBJECT_SECURITY_")]
		if !ok {
			return nil, fmt.Errorf("job: no limit %s: want NO_ADMIN, RESTRICTED_TOKEN, ONLY_TOKEN or FILTER_TOKENS", a)
		}
		limits.Flags |= f
	}
	var only *objectValue
	var disable, remove, restrict *starlark.List
	if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "JobToken?", &only, "SidsToDisable?", &disable,
		"PrivilegesToDelete?", &remove, "RestrictedSids?", &restrict); err != nil {
		return nil, err
	}
	if only != nil {
		limits.Token = only.t
	}
	if err := r.jobFilter(&limits.Filter, disable, remove, restrict); err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	return statusValue(p.p.AssignToJob(limits)), nil
}

// jobFilter sets the filter's lists of SIDs to disable, privileges to remove and SIDs to restrict. A nil list sets
// none. A malformed SID or privilege is an error. After an error some of them are set.
func (r *Runner) jobFilter(f *token.FilterSpec, disable, remove, restrict *starlark.List) error {
	sids, err := r.sids(disable)
	if err != nil {
		return err
	}
	f.Disable = sids
	if sids, err = r.sids(restrict); err != nil {
		return err
	}
	for _, s := range sids {
		f.Restrict = append(f.Restrict, token.Group{SID: s})
	}
	if remove == nil {
		return nil
	}
	list, err := luids(remove, 0)
	for _, p := range list {
		f.Delete |= winnt.Privilege(p.LUID).Bit()
	}
	return err
}

// sids converts a list of SID texts or aliases; nil for nil. The first one that does not parse is an error. A value
// that is no string is an empty text, and therefore an error.
func (r *Runner) sids(l *starlark.List) ([]sid.SID, error) {
	var list []sid.SID
	if l == nil {
		return nil, nil
	}
	for x := range starlark.Elements(l) {
		text, _ := starlark.AsString(x)
		s, err := sid.Resolve(text, r.domain)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}
