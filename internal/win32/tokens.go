package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// SecurityAttributes is SECURITY_ATTRIBUTES. Nil is NULL: default security and a handle that is not inherited.
type SecurityAttributes struct {
	SecurityDescriptor *sd.Descriptor // nil: by the caller's token
	InheritHandle      bool
}

// ObjectAttributes converts the structure for a service. A nil receiver gives the defaults.
func (a *SecurityAttributes) ObjectAttributes() *nt.ObjectAttributes { return a.objectAttributes(nil) }

// objectAttributes returns the OBJECT_ATTRIBUTES for a, which may be nil, and a quality of service. q may be nil. The
// descriptor is shared, not copied.
func (a *SecurityAttributes) objectAttributes(q *nt.SecurityQualityOfService) *nt.ObjectAttributes {
	oa := &nt.ObjectAttributes{SecurityQualityOfService: q}
	if a != nil {
		oa.SecurityDescriptor = a.SecurityDescriptor
		if a.InheritHandle {
			oa.Attributes = winnt.OBJ_INHERIT
		}
	}
	return oa
}

// Parameters of the functions that open, duplicate and change tokens.
type (
	OpenProcessTokenIn struct {
		ProcessHandle winnt.Handle
		DesiredAccess winnt.AccessMask `object:"token"`
	}
	OpenThreadTokenIn struct {
		ThreadHandle  winnt.Handle
		DesiredAccess winnt.AccessMask `object:"token"`
		OpenAsSelf    bool
	}
	OpenTokenOut struct{ TokenHandle winnt.Handle }

	DuplicateTokenIn struct {
		ExistingTokenHandle winnt.Handle
		ImpersonationLevel  winnt.SecurityImpersonationLevel
	}
	DuplicateTokenOut struct{ DuplicateTokenHandle winnt.Handle }

	DuplicateTokenExIn struct {
		ExistingToken      winnt.Handle        `param:"hExistingToken"`
		DesiredAccess      winnt.AccessMask    `param:"dwDesiredAccess" object:"token"`
		TokenAttributes    *SecurityAttributes `param:"lpTokenAttributes"`
		ImpersonationLevel winnt.SecurityImpersonationLevel
		TokenType          winnt.TokenType
	}
	DuplicateTokenExOut struct {
		NewToken winnt.Handle `param:"phNewToken"`
	}

	AdjustTokenPrivilegesIn struct {
		TokenHandle          winnt.Handle
		DisableAllPrivileges bool
		NewState             nt.Captured[[]nt.LUIDAndAttributes]
		BufferLength         uint32 `default:"65536"`
		WantPrevious         bool   `param:"PreviousState"`
	}
	AdjustTokenPrivilegesOut struct {
		PreviousState []nt.LUIDAndAttributes
		ReturnLength  uint32
	}

	PrivilegeCheckIn struct {
		ClientToken        winnt.Handle
		RequiredPrivileges nt.Captured[*nt.PrivilegeSet]
	}
	PrivilegeCheckOut struct {
		RequiredPrivileges *nt.PrivilegeSet
		Result             bool `param:"pfResult"`
	}
)

// of returns the documented failures of the NT service that a Win32 function calls, for the function's own list.
func of(service string) []nt.Condition { return nt.NtTable.Find(service).Info().Conditions }

var (
	rowOpenProcessToken = function(nt.Meta{Name: "OpenProcessToken", Summary: "opens the primary token of a process",
		Conditions: of("NtOpenProcessToken")},
		func(t *Thread, in OpenProcessTokenIn) (out OpenTokenOut, st ntstatus.Status) {
			out.TokenHandle, st = t.nt.NtOpenProcessToken(in.ProcessHandle, in.DesiredAccess)
			return out, st
		})
	rowOpenThreadToken = function(nt.Meta{Name: "OpenThreadToken", Summary: "opens the impersonation token of a thread",
		Conditions: of("NtOpenThreadToken")},
		func(t *Thread, in OpenThreadTokenIn) (out OpenTokenOut, st ntstatus.Status) {
			out.TokenHandle, st = t.nt.NtOpenThreadToken(in.ThreadHandle, in.DesiredAccess, in.OpenAsSelf)
			return out, st
		})
	rowDuplicateToken = function(nt.Meta{Name: "DuplicateToken",
		Summary: "creates an impersonation token from an existing token", Conditions: of("NtDuplicateToken")},
		func(t *Thread, in DuplicateTokenIn) (out DuplicateTokenOut, st ntstatus.Status) {
			// The new handle has TOKEN_IMPERSONATE and TOKEN_QUERY (T-50).
			out.DuplicateTokenHandle, st = t.duplicate(in.ExistingTokenHandle, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_QUERY, nil,
				in.ImpersonationLevel, winnt.TokenImpersonation)
			return out, st
		})
	rowDuplicateTokenEx = function(nt.Meta{Name: "DuplicateTokenEx",
		Summary: "creates a copy of a token", Conditions: of("NtDuplicateToken")},
		func(t *Thread, in DuplicateTokenExIn) (out DuplicateTokenExOut, st ntstatus.Status) {
			out.NewToken, st = t.duplicate(in.ExistingToken, in.DesiredAccess, in.TokenAttributes, in.ImpersonationLevel,
				in.TokenType)
			return out, st
		})
	rowAdjustTokenPrivileges = function(nt.Meta{Name: "AdjustTokenPrivileges",
		Summary: "enables, disables or removes privileges of a token", Conditions: of("NtAdjustPrivilegesToken")},
		func(t *Thread, in AdjustTokenPrivilegesIn) (out AdjustTokenPrivilegesOut, st ntstatus.Status) {
			r, st := t.row("NtAdjustPrivilegesToken", nt.AdjustPrivilegesTokenIn{TokenHandle: in.TokenHandle,
				DisableAllPrivileges: in.DisableAllPrivileges,
				NewState:             in.NewState, BufferLength: in.BufferLength, WantPrevious: in.WantPrevious})
			o := r.(nt.AdjustPrivilegesTokenOut)
			if st.IsSuccess() {
				t.setLastError(Code(st.Win32())) // O-70, T-71: TRUE; the code says whether all were assigned
			}
			return AdjustTokenPrivilegesOut{o.PreviousState, o.ReturnLength}, st
		})
	rowPrivilegeCheck = function(nt.Meta{Name: "PrivilegeCheck",
		Summary: "reports whether privileges are enabled in a token", Conditions: of("NtPrivilegeCheck")},
		func(t *Thread, in PrivilegeCheckIn) (out PrivilegeCheckOut, st ntstatus.Status) {
			o, st := t.row("NtPrivilegeCheck", nt.PrivilegeCheckIn{ClientToken: in.ClientToken,
				RequiredPrivileges: in.RequiredPrivileges})
			p := o.(nt.PrivilegeCheckOut)
			return PrivilegeCheckOut{p.RequiredPrivileges, p.Result}, st
		})
)

// row calls an NT service by name with its input structure and returns the output structure.
func (t *Thread) row(service string, in any) (any, ntstatus.Status) {
	return t.nt.CallRow(nt.NtTable.Find(service), in)
}

// duplicate calls NtDuplicateToken for DuplicateToken and DuplicateTokenEx. The level goes into a quality of service
// with static tracking (T-50).
func (t *Thread) duplicate(existing winnt.Handle, desired winnt.AccessMask, a *SecurityAttributes,
	level winnt.SecurityImpersonationLevel, typ winnt.TokenType) (winnt.Handle, ntstatus.Status) {
	return t.nt.NtDuplicateToken(existing, desired,
		a.objectAttributes(&nt.SecurityQualityOfService{ImpersonationLevel: level}), false, typ)
}

// OpenProcessToken opens the primary token of a process with the desired rights. If it fails, it returns false and
// sets the last error. The caller closes the handle.
func (t *Thread) OpenProcessToken(process winnt.Handle, desired winnt.AccessMask) (token winnt.Handle, ok bool) {
	out, ok := call(t, rowOpenProcessToken, OpenProcessTokenIn{process, desired})
	return out.TokenHandle, ok
}

// OpenThreadToken opens the impersonation token of a thread. It fails with ERROR_NO_TOKEN if the thread does not
// impersonate.
func (t *Thread) OpenThreadToken(thread winnt.Handle, desired winnt.AccessMask, openAsSelf bool) (token winnt.Handle,
	ok bool) {
	out, ok := call(t, rowOpenThreadToken, OpenThreadTokenIn{thread, desired, openAsSelf})
	return out.TokenHandle, ok
}

// DuplicateToken creates an impersonation token. The handle has TOKEN_IMPERSONATE and TOKEN_QUERY.
func (t *Thread) DuplicateToken(existing winnt.Handle, level winnt.SecurityImpersonationLevel) (token winnt.Handle,
	ok bool) {
	out, ok := call(t, rowDuplicateToken, DuplicateTokenIn{existing, level})
	return out.DuplicateTokenHandle, ok
}

// DuplicateTokenEx creates a copy of a token, primary or for impersonation. If it fails, it returns false and sets
// the last error. The caller closes the handle.
func (t *Thread) DuplicateTokenEx(in DuplicateTokenExIn) (token winnt.Handle, ok bool) {
	out, ok := call(t, rowDuplicateTokenEx, in)
	return out.NewToken, ok
}

// AdjustTokenPrivileges enables, disables or removes privileges. On success it returns TRUE and sets the last error to
// ERROR_NOT_ALL_ASSIGNED if the token does not have a listed privilege, otherwise to ERROR_SUCCESS.
func (t *Thread) AdjustTokenPrivileges(in AdjustTokenPrivilegesIn) (AdjustTokenPrivilegesOut, bool) {
	return call(t, rowAdjustTokenPrivileges, in)
}

// PrivilegeCheck reports whether privileges are enabled in an impersonation token. The set's Control says whether all
// or one of them must be.
func (t *Thread) PrivilegeCheck(client winnt.Handle, set *nt.PrivilegeSet) (PrivilegeCheckOut, bool) {
	return call(t, rowPrivilegeCheck, PrivilegeCheckIn{client, nt.Cap(set)})
}
