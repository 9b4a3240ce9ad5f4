//go:build cgo && linux

package main

import (
	"errors"
	"strings"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// explicitSize is that of EXPLICIT_ACCESS, explicitInheritance its bits that
// have a meaning here.
const (
	explicitSize        = 48
	explicitInheritance = 0x1F
)

// rmSetEntries implements SetEntriesInAcl, which merges explicit entries into an ACL. The caller frees the new ACL.
// No old ACL and no entries succeed with a NULL output. After a failure the output is NULL. Errors include:
//   - a NULL output pointer, or a NULL array with a count: STATUS_INVALID_PARAMETER
//   - a malformed old ACL: STATUS_INVALID_ACL
func rmSetEntries(c *call) uint64 {
	count, out, wide := c.u32(0), c.ptr(3), c.boolean(4)
	if out == 0 {
		return status(ntstatus.InvalidParameter)
	}
	// A failure leaves no list, as on Windows.
	if st := c.WriteU64(out, 0); st != ntstatus.Success {
		return status(st)
	}
	if count != 0 && c.ptr(1) == 0 {
		return status(ntstatus.InvalidParameter)
	}
	var old *sd.ACL
	if p := c.ptr(2); p != 0 {
		b, st := c.listBytes(p)
		if st != ntstatus.Success {
			return status(st)
		}
		var err error
		if old, _, err = sd.DecodeACL(b); err != nil {
			return status(ntstatus.InvalidACL)
		}
	}
	list, st := c.Block(c.ptr(1), int(count)*explicitSize, 1)
	if st != ntstatus.Success {
		return status(st)
	}
	var requests []sd.Explicit
	for ; len(list) > 0; list = list[explicitSize:] {
		r, st := c.explicitOf(list, wide)
		if st != ntstatus.Success {
			return status(st)
		}
		requests = append(requests, r)
	}
	if old == nil && count == 0 {
		return status(ntstatus.Success) // no list in, none out
	}
	acl, err := sd.Merge(old, requests...)
	if err != nil {
		if e := (*ntstatus.Error)(nil); errors.As(err, &e) {
			return status(e.Status)
		}
		return status(ntstatus.InvalidParameter)
	}
	return status(c.give(out, []byte(acl.Binary())))
}

// explicitOf decodes the EXPLICIT_ACCESS in b, one entry of SetEntriesInAcl. wide says that its texts are UTF-16. An
// unknown mode or inheritance bit gives STATUS_INVALID_PARAMETER. A malformed trustee gives its status.
func (c *call) explicitOf(b []byte, wide bool) (r sd.Explicit, st ntstatus.Status) {
	r.Mask, r.Mode = winnt.AccessMask(le.Uint32(b)), sd.AccessMode(le.Uint32(b[4:]))
	inheritance, trustee := le.Uint32(b[8:]), b[16:]
	if r.Mode < sd.GrantAccess || r.Mode > sd.SetAuditFailure || inheritance&^explicitInheritance != 0 {
		return r, ntstatus.InvalidParameter
	}
	r.Inheritance = uint8(inheritance) // an inherited entry is merged as an explicit one
	t, st := c.trusteeOf(trustee, wide)
	r.Trustee, r.ObjectType, r.InheritedObjectType = t.sid, t.object, t.inherited
	return r, st
}

// trustee identifies the trustee of an explicit entry: the SID of a TRUSTEE, and the object types if it names them.
type trustee struct {
	sid               sid.SID
	object, inherited *winnt.GUID
}

// The forms of a trustee.
const (
	trusteeSID            = 0
	trusteeNamed          = 1
	trusteeObjectsAndSID  = 3
	trusteeObjectsAndName = 4
)

// trusteeOf decodes the TRUSTEE structure in b. Errors are:
//   - a NULL name, an unknown form, or a second trustee with a form other than a SID: STATUS_INVALID_PARAMETER
//   - names of object types: STATUS_NOT_SUPPORTED
//   - unreadable memory, or a failed lookup of the name: the status of the read or lookup
func (c *call) trusteeOf(b []byte, wide bool) (t trustee, st ntstatus.Status) {
	p, form := user(le.Uint64(b[24:])), le.Uint32(b[12:])
	// Fields for a second trustee must be empty; those of a SID are not checked, as on Windows.
	if p == 0 || form != trusteeSID && (le.Uint64(b) != 0 || le.Uint32(b[8:]) != 0) {
		return t, ntstatus.InvalidParameter
	}
	switch form {
	case trusteeSID:
		t.sid, st = c.SIDAt(p)
	case trusteeNamed:
		t.sid, st = c.trusteeAccount(p, wide)
	case trusteeObjectsAndSID:
		return c.objectsAndSID(p)
	case trusteeObjectsAndName:
		x, st := c.Block(p, 32, 1)
		if st != ntstatus.Success {
			return t, st
		}
		if le.Uint32(x) != 0 {
			return t, ntstatus.NotSupported // names of object types are a directory's
		}
		t.sid, st = c.trusteeAccount(user(le.Uint64(x[24:])), wide)
		return t, st
	default:
		return t, ntstatus.InvalidParameter
	}
	return t, st
}

// objectsAndSID copies an OBJECTS_AND_SID with the types that it says are present. Unknown flags are
// STATUS_INVALID_PARAMETER. Memory that cannot be read gives its status. Types that are not present stay nil.
func (c *call) objectsAndSID(p user) (t trustee, st ntstatus.Status) {
	b, st := c.Block(p, 48, 1)
	if st != ntstatus.Success {
		return t, st
	}
	present := le.Uint32(b)
	if present&^3 != 0 {
		return t, ntstatus.InvalidParameter
	}
	if present&1 != 0 {
		t.object = (*winnt.GUID)(b[4:20])
	}
	if present&2 != 0 {
		t.inherited = (*winnt.GUID)(b[20:36])
	}
	t.sid, st = c.SIDAt(user(le.Uint64(b[40:])))
	return t, st
}

// trusteeAccount returns the SID of an account by name, or of the current user for CURRENT_USER. An unknown name
// returns a status. CURRENT_USER may be in any case; if the user cannot be found out, it is a name like any other.
func (c *call) trusteeAccount(p user, wide bool) (sid.SID, ntstatus.Status) {
	name, st := c.trusteeName(p, wide)
	if st != ntstatus.Success {
		return sid.SID{}, st
	}
	if strings.EqualFold(name, "CURRENT_USER") {
		if s, st := win32.On(c.nt).CurrentUser(); st.IsSuccess() {
			return s, st
		}
	}
	a, st := accountNamed(name)
	return a.SID, st
}

// rmTrusteeSid returns the SID of a TRUSTEE, whose text has either width, as a block that the caller frees. A
// malformed trustee returns a status.
func rmTrusteeSid(c *call) uint64 {
	b, st := c.Block(c.ptr(0), 32, 1)
	if st != ntstatus.Success {
		return status(st)
	}
	t, st := c.trusteeOf(b, c.boolean(1))
	if st != ntstatus.Success {
		return status(st)
	}
	return status(c.give(c.ptr(2), []byte(t.sid.Binary())))
}

// maxAccountName is the longest name that is read up to a terminator, in bytes.
const maxAccountName = 1 << 20

// trusteeName reads a text up to its terminator: UTF-16 if wide, else one byte per character. If none of the first
// maxAccountName bytes is the terminator, it returns STATUS_INVALID_PARAMETER. A wide text has the limit of
// ZeroTerminatedAt.
func (c *call) trusteeName(p user, wide bool) (string, ntstatus.Status) {
	if wide {
		return c.ZeroTerminatedAt(p)
	}
	var name []rune
	var b [1]byte
	for ; len(name) < maxAccountName; p++ {
		if st := c.Read(b[:], p); st != ntstatus.Success {
			return "", st
		}
		if b[0] == 0 {
			return string(name), ntstatus.Success
		}
		name = append(name, rune(b[0]))
	}
	return "", ntstatus.InvalidParameter
}
