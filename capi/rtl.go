//go:build cgo && linux

package main

// #include <stdlib.h>
import "C"

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// rtlNtStatusToDosError implements RtlNtStatusToDosError: it converts an NTSTATUS to a Win32 error code.
func rtlNtStatusToDosError(c *call) uint64 { return uint64(ntstatus.Status(c.u32(0)).Win32()) }

// listBytes copies the ACL at p from the program, including the free space after its entries. If the size in the header
// is smaller than the header, it returns only the header, and the routine rejects it.
func (c *call) listBytes(p user) ([]byte, ntstatus.Status) {
	var h [8]byte
	if st := c.Read(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	size := int(le.Uint16(h[2:]))
	if size < len(h) {
		return h[:], ntstatus.Success // the called routine rejects such a list
	}
	return c.Block(p, size, 1)
}

// changeList changes the program's ACL at p: it applies change to a copy and writes that back. If change fails, the ACL
// stays. If writing fails, it returns the status of that write.
func (c *call) changeList(p user, change func(acl []byte) ntstatus.Status) uint64 {
	b, st := c.listBytes(p)
	if st != ntstatus.Success {
		return status(st)
	}
	if st = change(b); st != ntstatus.Success {
		return status(st)
	}
	return status(c.Write(p, b))
}

// rtlCreateAcl implements RtlCreateAcl: it writes an empty ACL of a size and revision. A size below 8 gives
// STATUS_BUFFER_TOO_SMALL, one above 65535 STATUS_INVALID_PARAMETER (S-19). Only the header is written. A refused
// revision gives the status of [sd.CreateACL].
func rtlCreateAcl(c *call) uint64 {
	n := c.u32(1)
	// The header must fit into the list, and its field of 16 bits must hold the size: each has its own status (S-19).
	if n < 8 {
		return status(ntstatus.BufferTooSmall)
	}
	if n > 0xFFFF {
		return status(ntstatus.InvalidParameter)
	}
	b := make([]byte, n)
	if st := sd.CreateACL(b, c.u32(2)); st != ntstatus.Success {
		return status(st)
	}
	return status(c.Write(c.ptr(0), b[:8]))
}

// rtlValidAcl implements RtlValidAcl: it returns whether an ACL is well-formed. It returns false for one that cannot be
// read.
func rtlValidAcl(c *call) uint64 {
	b, st := c.listBytes(c.ptr(0))
	if st == ntstatus.Success && sd.ValidACL(b) {
		return 1
	}
	return 0
}

// rtlAddAce implements RtlAddAce: it inserts a list of entries into an ACL. It reads at most 64 KiB, which is too much.
func rtlAddAce(c *call) uint64 {
	const long = 1 << 16 // no ACL has room for so many bytes
	list, st := c.Block(c.ptr(3), int(min(c.u32(4), long)), 1)
	if st != ntstatus.Success {
		return status(st)
	}
	return c.changeList(c.ptr(0), func(acl []byte) ntstatus.Status { return sd.InsertACEs(acl, c.u32(1), c.u32(2), list) })
}

// rtlDeleteAce implements RtlDeleteAce: it removes the entry with an index from an ACL.
func rtlDeleteAce(c *call) uint64 {
	return c.changeList(c.ptr(0), func(acl []byte) ntstatus.Status { return sd.DeleteACE(acl, c.u32(1)) })
}

// rtlGetAce implements RtlGetAce: it writes the address of the entry with an index. An index beyond the last entry and
// a malformed list are STATUS_INVALID_PARAMETER, before the output is tried.
func rtlGetAce(c *call) uint64 {
	b, st := c.listBytes(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	_, at, st := sd.GetACE(b, c.u32(1))
	if st != ntstatus.Success {
		return status(st)
	}
	return status(c.WriteU64(c.ptr(2), uint64(c.ptr(0))+uint64(at)))
}

// rmAddAce implements the functions that append one entry, such as RtlAddAccessAllowedAce. The two GUIDs may be NULL. A
// malformed SID fails when the entry is added, after the ACL is read. A failure leaves the list unchanged.
func rmAddAce(c *call) uint64 {
	s, st := c.SIDAt(c.ptr(5))
	if st == ntstatus.AccessViolation {
		return status(st)
	}
	var x sd.ACEExtra
	if x.ObjectType, st = c.GUIDAt(c.ptr(6)); st != ntstatus.Success {
		return status(st)
	}
	if x.InheritedObjectType, st = c.GUIDAt(c.ptr(7)); st != ntstatus.Success {
		return status(st)
	}
	return c.changeList(c.ptr(0), func(acl []byte) ntstatus.Status {
		return sd.AddACE(acl, c.u32(1), sd.Type(c.u32(2)), uint8(c.u32(3)), c.mask(4), s, x)
	})
}

// give returns b to the program in new memory from malloc, which the program frees: it writes the address to out.
// Without memory it returns STATUS_NO_MEMORY; if out cannot be written, it frees the memory.
func (c *call) give(out user, b []byte) ntstatus.Status {
	p := C.malloc(C.size_t(max(len(b), 1)))
	if p == nil {
		return ntstatus.NoMemory
	}
	copy(unsafe.Slice((*byte)(p), len(b)), b)
	if st := c.WriteU64(out, uint64(uintptr(p))); st != ntstatus.Success {
		C.free(p)
		return st
	}
	return ntstatus.Success
}

// giveText allocates s as zero-terminated UTF-16 and writes the address to out. The caller frees the memory with
// free. The result is an NTSTATUS. Unless units is 0, the number of UTF-16 units with terminator is written to
// units. That number stays written if a later write fails.
func (c *call) giveText(out, units user, s string) uint64 {
	u := append(utf16.Encode([]rune(s)), 0)
	b := make([]byte, 0, 2*len(u))
	for _, x := range u {
		b = le.AppendUint16(b, x)
	}
	if units != 0 {
		if st := c.WriteU32(units, uint32(len(u))); st != ntstatus.Success {
			return status(st)
		}
	}
	return status(c.give(out, b))
}

// rmParseDescriptor implements ConvertStringSecurityDescriptorToSecurityDescriptor: it decodes SDDL. The caller frees
// the descriptor; the pointer for its length may be NULL. Malformed SDDL gives the status of the syntax error. A
// failure to write the pointer leaves the length written and frees nothing.
func rmParseDescriptor(c *call) uint64 {
	text, st := c.ZeroTerminatedAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	d, err := sddl.Parse(text, sddl.Options{Domain: domain()})
	if err != nil {
		if e := (*sddl.SyntaxError)(nil); errors.As(err, &e) && e.Status != 0 {
			return status(e.Status)
		}
		return status(ntstatus.InvalidParameter)
	}
	b := d.Append(nil)
	if c.ptr(2) != 0 {
		if st := c.WriteU32(c.ptr(2), uint32(len(b))); st != ntstatus.Success {
			return status(st)
		}
	}
	return status(c.give(c.ptr(1), b))
}

// rmFormatDescriptor implements ConvertSecurityDescriptorToStringSecurityDescriptor: it encodes a descriptor as SDDL.
// The caller frees the text, which is empty if no part is requested. A NULL descriptor is
// STATUS_INVALID_SECURITY_DESCR. One that SDDL cannot express is STATUS_INVALID_ACL.
func rmFormatDescriptor(c *call) uint64 {
	d, st := c.DescriptorAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	if d == nil {
		return status(ntstatus.InvalidSecurityDescr)
	}
	text := ""
	if info := c.u32(1); info != 0 { // 0 asks for no part
		var err error
		if text, err = sddl.Format(d, sddl.Options{Info: info}); err != nil {
			return status(ntstatus.InvalidACL)
		}
	}
	return c.giveText(c.ptr(2), c.ptr(3), text)
}

// rmParseSid implements ConvertStringSidToSid: it decodes a SID in text form, aliases included. The caller frees the
// SID. Malformed text is STATUS_INVALID_SID. An unreadable text gives a status.
func rmParseSid(c *call) uint64 {
	text, st := c.ZeroTerminatedAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	s, err := sid.Resolve(text, domain())
	if err != nil {
		return status(ntstatus.InvalidSID)
	}
	return status(c.give(c.ptr(1), s.AppendBinary(nil)))
}

// rmFormatSid implements ConvertSidToStringSid: it returns a SID's text, which the caller frees.
func rmFormatSid(c *call) uint64 {
	s, st := c.SIDAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	return c.giveText(c.ptr(1), c.ptr(2), s.String())
}

// rmPrivilegeValue implements LookupPrivilegeValue: it writes the LUID of a privilege name. It ignores case; an unknown
// name gives STATUS_NO_SUCH_PRIVILEGE. Memory that cannot be read or written returns its status.
func rmPrivilegeValue(c *call) uint64 {
	name, st := c.ZeroTerminatedAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		if strings.EqualFold(p.String(), name) {
			return status(c.WriteU64(c.ptr(1), uint64(p.LUID())))
		}
	}
	return status(ntstatus.NoSuchPrivilege)
}

// rmPrivilegeName implements LookupPrivilegeName: it returns the name of a privilege's LUID. The caller frees the text;
// an unknown LUID gives STATUS_NO_SUCH_PRIVILEGE. Memory that cannot be read returns its status.
func rmPrivilegeName(c *call) uint64 {
	v, st := c.ReadU64(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	p := winnt.Privilege(v)
	if v > uint64(winnt.LastPrivilege) || !p.Valid() {
		return status(ntstatus.NoSuchPrivilege)
	}
	return c.giveText(c.ptr(1), c.ptr(2), p.String())
}

// domain returns the domain SID of the process's user, which completes SDDL aliases of accounts such as LA.
func domain() sid.SID {
	if d := daemon(); d != nil {
		return d.user().Prefix()
	}
	_, p := embedded()
	return p.Object().Token().User().SID.Prefix()
}

// rtlValidRelativeSecurityDescriptor returns whether a self-relative descriptor is well-formed and has the required
// parts: it returns 1 or 0. Memory that cannot be read, a length below 20 or an absolute descriptor is 0. It reads at
// most 256 KiB.
func rtlValidRelativeSecurityDescriptor(c *call) uint64 {
	b, st := c.Block(c.ptr(0), int(min(c.u32(1), 1<<18)), 1)
	if st != ntstatus.Success || len(b) < 20 || le.Uint16(b[2:])&uint16(sd.SelfRelative) == 0 {
		return 0
	}
	d, err := sd.Decode(b)
	if err != nil {
		return 0
	}
	info := c.u32(2)
	missing := info&1 != 0 && d.Owner().IsZero() || info&2 != 0 && d.Group().IsZero() ||
		info&4 != 0 && d.Control()&sd.DACLPresent == 0 || info&8 != 0 && d.Control()&sd.SACLPresent == 0
	if missing {
		return 0
	}
	return 1
}
