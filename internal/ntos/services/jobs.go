package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtCreateJobObject creates a job, named or not, and opens it. The job has no limits yet.
func (c *Context) NtCreateJobObject(in nt.CreateJobObjectIn) (out nt.CreateJobObjectOut, st ntstatus.Status) {
	out.JobHandle, st = c.createNamed(in.ObjectAttributes, ps.JobType, in.DesiredAccess,
		func(d *sd.Descriptor) ob.Object { return ps.NewJob(d) })
	return out, st
}

// NtOpenJobObject opens a job by its name. It fails with STATUS_OBJECT_NAME_NOT_FOUND or STATUS_OBJECT_TYPE_MISMATCH
// if there is no job of the name.
func (c *Context) NtOpenJobObject(in nt.OpenJobObjectIn) (out nt.OpenJobObjectOut, st ntstatus.Status) {
	out.JobHandle, st = c.openNamed(in.ObjectAttributes, ps.JobType, in.DesiredAccess)
	return out, st
}

// NtAssignProcessToJobObject puts a process into a job. Each job of the chain may refuse the process or replace its
// token. A process that is in the job already stays there, with success. The job handle must grant
// JOB_OBJECT_ASSIGN_PROCESS, the process handle PROCESS_SET_QUOTA and PROCESS_TERMINATE.
func (c *Context) NtAssignProcessToJobObject(in nt.AssignProcessToJobObjectIn) (out nt.AssignProcessToJobObjectOut,
	st ntstatus.Status) {
	// reference
	j, _, st := ob.Reference[*ps.Job](&c.Caller, in.JobHandle, winnt.JOB_OBJECT_ASSIGN_PROCESS, ps.JobType)
	if st != ntstatus.Success {
		return out, st
	}
	defer j.Deref(ob.TagCall)
	p, st := c.referenceProcess(in.ProcessHandle, winnt.PROCESS_SET_QUOTA|winnt.PROCESS_TERMINATE)
	if st != ntstatus.Success {
		return out, c.named("ProcessHandle", "PROCESS_SET_QUOTA or PROCESS_TERMINATE", st)
	}
	defer p.Deref(ob.TagCall)
	// decide and commit
	// Each job of the chain may refuse the process, or filter or replace its token (I-90, I-91).
	return out, c.Impersonated(p.AssignToJob(j))
}

// NtSetInformationJobObject adds security limits to a job. It never removes one (I-89). Another class is
// STATUS_INVALID_INFO_CLASS, another length STATUS_INFO_LENGTH_MISMATCH. Unknown flags are STATUS_INVALID_PARAMETER,
// decided after the handle. A new limit on the token needs a token handle. After a failure the limits are unchanged.
func (c *Context) NtSetInformationJobObject(in nt.SetInformationJobObjectIn) (out nt.SetInformationJobObjectOut,
	st ntstatus.Status) {
	// capture
	if in.JobObjectInformationClass != nt.JobObjectSecurityLimitInformation {
		// The security limits are the only class that can be set here.
		return out, c.Fail("I-89", ntstatus.InvalidInfoClass)
	}
	if in.JobObjectInformationLength != nt.JobSecurityLimitSize {
		return out, c.Fail("I-89", ntstatus.InfoLengthMismatch)
	}
	if in.JobObjectInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.JobObjectInformation.Status)
	}
	if in.JobObjectInformation.V == nil {
		return out, c.Fail("O-3", ntstatus.AccessViolation)
	}
	// The limits are copied, so a change by the caller during the call has no effect (O-4).
	info := *in.JobObjectInformation.V
	limits := ps.JobLimits{Flags: info.SecurityLimitFlags, Filter: jobFilter(&info)}
	// reference
	// The handle must grant JOB_OBJECT_SET_SECURITY_ATTRIBUTES (I-89).
	j, _, st := ob.Reference[*ps.Job](&c.Caller, in.JobHandle, winnt.JOB_OBJECT_SET_SECURITY_ATTRIBUTES, ps.JobType)
	if st != ntstatus.Success {
		return out, st
	}
	defer j.Deref(ob.TagCall)
	if limits.Flags&^winnt.JOB_OBJECT_SECURITY_VALID_FLAGS != 0 {
		// A limit that does not exist is refused.
		return out, c.Fail("I-89", ntstatus.InvalidParameter)
	}
	if limits.Flags&winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN != 0 {
		tok, st := c.jobToken(info.JobToken)
		if st != ntstatus.Success {
			return out, st
		}
		defer tok.Deref(ob.TagCall)
		limits.Token = tok
	}
	// decide and commit
	// New limits are added to the job's limits; a limit is never removed (I-89).
	return out, c.Impersonated(j.SetLimitsFor(c.self.Payer(), limits))
}

// jobToken references the token that the job limit ONLY_TOKEN requires for the job's processes (I-89). The caller
// releases the token. The handle must grant TOKEN_ASSIGN_PRIMARY. Errors are:
//   - handle 0: STATUS_INVALID_PARAMETER
//   - a token that is not primary: STATUS_BAD_TOKEN_TYPE
//   - a token that the caller may not assign: STATUS_PRIVILEGE_NOT_HELD
func (c *Context) jobToken(h winnt.Handle) (*se.TokenObject, ntstatus.Status) {
	if h == 0 {
		// A single token must be named.
		return nil, c.Fail("I-89", ntstatus.InvalidParameter)
	}
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, winnt.TOKEN_ASSIGN_PRIMARY, se.TokenType)
	if st != ntstatus.Success {
		// The handle of the single token must grant TOKEN_ASSIGN_PRIMARY.
		return nil, c.Fail("T-111", st)
	}
	switch {
	case tok.Value().Type() != winnt.TokenPrimary:
		st = c.Fail("I-89", ntstatus.BadTokenType)
	case !c.mayAssignPrimary(tok):
		st = c.Fail("T-111", ntstatus.PrivilegeNotHeld)
	default:
		return tok, ntstatus.Success
	}
	tok.Deref(ob.TagCall)
	return nil, st
}

// mayAssignPrimary reports whether the caller may make tok the primary token of a process. It may in kernel mode,
// with SeAssignPrimaryTokenPrivilege, or if the token is related to its process's own (T-111).
func (c *Context) mayAssignPrimary(tok *se.TokenObject) bool {
	return c.holds(winnt.SeAssignPrimaryTokenPrivilege) || c.mayAssignKin(tok)
}

// mayAssignKin reports whether a token is related to the primary token of the caller's process, so that the caller may
// assign it without a privilege (T-111). In kernel mode it always returns true.
func (c *Context) mayAssignKin(tok *se.TokenObject) bool {
	if c.Mode == access.Kernel {
		return true
	}
	own := c.self.Process().ReferenceToken(ob.TagCall)
	defer own.Deref(ob.TagCall)
	return se.MayAssign(own, tok)
}

// mayCreateWith reports whether the caller may create a process with the token tok. The flags of in select the
// condition:
//   - KinOnly, even with OfProcess: a related token
//   - OfProcess: a related token, or SeAssignPrimaryTokenPrivilege in the process's token, even disabled
//   - neither: a related token, or SeAssignPrimaryTokenPrivilege
func (c *Context) mayCreateWith(tok *se.TokenObject, in *nt.CreateUserProcessIn) bool {
	switch {
	// A token that is kin of the caller's process needs no privilege (I-96).
	case in.KinOnly:
		return c.mayAssignKin(tok)
	// CreateProcessAsUser enables what the process holds for the time of the call (I-7).
	case in.OfProcess && c.self.Process().Token().Present().Has(winnt.SeAssignPrimaryTokenPrivilege):
		return true
	case in.OfProcess:
		return c.mayAssignKin(tok)
	}
	return c.mayAssignPrimary(tok)
}

// jobFilter converts a job limit FILTER_TOKENS to a filter for the tokens of the job's processes. It ignores the
// attributes in the lists (T-61, T-62); the attributes of restricting SIDs are checked on use. Privileges that do not
// exist are ignored.
func jobFilter(info *nt.JobSecurityLimitInformation) token.FilterSpec {
	var f token.FilterSpec
	for _, g := range info.SidsToDisable {
		f.Disable = append(f.Disable, g.SID)
	}
	for _, p := range info.PrivilegesToDelete {
		if v := winnt.Privilege(p.LUID); p.LUID <= winnt.LUID(winnt.LastPrivilege) && v.Valid() {
			f.Delete |= v.Bit()
		}
	}
	f.Restrict = append([]token.Group(nil), info.RestrictedSids...)
	return f
}

// nameOf returns the name, root directory and attributes of OBJECT_ATTRIBUTES.
func nameOf(oa *nt.ObjectAttributes) ob.Name {
	return ob.Name{Root: oa.RootDirectory, Path: oa.ObjectName, Attributes: oa.Attributes,
		Unnamed: oa.Unnamed}
}

// named explains to the tracer which handle parameter caused status st, and returns st. need names the right that the
// handle must grant. Only an invalid handle, a wrong object type and a missing right are explained.
func (c *Context) named(parameter, need string, st ntstatus.Status) ntstatus.Status {
	if c.Why == nil {
		return st
	}
	switch st {
	case ntstatus.InvalidHandle:
		c.why.Because = parameter + " is not a valid handle"
	case ntstatus.ObjectTypeMismatch:
		c.why.Because = parameter + " is of another type"
	case ntstatus.AccessDenied:
		c.why.Because = parameter + " does not grant " + need
	}
	return st
}
