//go:build cgo && linux

package main

import (
	"crypto/sha256"
	"strings"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// addWithData puts an entry with application data behind the others of a list
// and tells the size of the list, or the one it would need.
func (c *call) addWithData(acl user, revision uint32, t sd.Type, flags uint8, mask winnt.AccessMask, s sid.SID, data []byte, returned user) uint64 {
	if st := c.ProbeU32(returned); st != ntstatus.Success {
		return status(st)
	}
	var need uint32
	st := c.changeList(acl, func(list []byte) ntstatus.Status {
		st := sd.AddACE(list, revision, t, flags, mask, s, sd.ACEExtra{AppData: data})
		need = uint32(le.Uint16(list[2:]))
		if l, _, err := sd.DecodeACL(list); st == ntstatus.AllottedSpaceExceeded && err == nil {
			need = uint32(listHeader)
			for _, a := range l.All() {
				need += uint32(len(a.Binary()))
			}
			if a, err := sd.NewACE(t, flags, mask, s, sd.ACEExtra{AppData: data}); err == nil {
				need += uint32(len(a.Binary()))
			}
			return ntstatus.BufferTooSmall
		}
		return st
	})
	if r := ntstatus.Status(st); r == ntstatus.Success || r == ntstatus.BufferTooSmall {
		if fault := c.WriteU32(returned, need); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return st
}

// listHeader is the size of an ACL without entries.
const listHeader = 8

// rmAddConditionalAce is AddConditionalAce.
func rmAddConditionalAce(c *call) uint64 {
	t := sd.Type(c.u32(2))
	if t != sd.AccessAllowedCallback && t != sd.AccessDeniedCallback && t != sd.SystemAuditCallback {
		return status(ntstatus.InvalidParameter)
	}
	s, st := c.SIDAt(c.ptr(5))
	if st != ntstatus.Success {
		return status(st)
	}
	text, st := c.ZeroTerminatedAt(c.ptr(6))
	if st != ntstatus.Success {
		return status(st)
	}
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, "(") {
		text = "(" + text + ")"
	}
	d, err := sddl.Parse("D:(XA;;0x1;;;WD;"+text+")", sddl.Options{Domain: domain()})
	if err != nil || d.DACL().Len() != 1 {
		return status(ntstatus.InvalidParameter)
	}
	var data string
	for _, a := range d.DACL().All() {
		data = a.AppData()
	}
	return c.addWithData(c.ptr(0), c.u32(1), t, uint8(c.u32(3)), c.mask(4), s, []byte(data), c.ptr(7))
}

// rmAddAttributeAce is AddResourceAttributeAce: of one attribute.
func rmAddAttributeAce(c *call) uint64 {
	s, st := c.SIDAt(c.ptr(4))
	if st != ntstatus.Success {
		return status(st)
	}
	list, st := c.ClaimsAt(c.ptr(5))
	if st != ntstatus.Success {
		return status(st)
	}
	if len(list) != 1 || c.mask(3) != 0 || list[0].Validate() != nil {
		return status(ntstatus.InvalidParameter)
	}
	return c.addWithData(c.ptr(0), c.u32(1), sd.SystemResourceAttribute, uint8(c.u32(2)), 0, s, list[0].Append(nil), c.ptr(6))
}

// maxContainerName is the longest name of an AppContainer, in units.
const maxContainerName = 64

// rmAppcontainerSid is the SID of an AppContainer by its name: S-1-15-2 and the
// first seven words of the hash of the name in lower case.
func rmAppcontainerSid(c *call) uint64 {
	name, st := c.ZeroTerminatedAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	u := utf16.Encode([]rune(strings.ToLower(name)))
	if len(u) == 0 || len(u) > maxContainerName {
		return status(ntstatus.InvalidParameter)
	}
	var text []byte
	for _, x := range u {
		text = le.AppendUint16(text, x)
	}
	h := sha256.Sum256(text)
	s := sid.MustParse("S-1-15-2")
	for i := range 7 {
		s = s.WithRID(le.Uint32(h[4*i:]))
	}
	return status(c.give(c.ptr(1), []byte(s.Binary())))
}

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

// rmIdsOf tells the ids of a process, or of a thread, by a handle.
func rmIdsOf(c *call) uint64 {
	s, _ := embedded()
	k := s.KernelMode(c.nt)
	typ, right := winnt.ProcessObject, winnt.PROCESS_QUERY_LIMITED_INFORMATION
	if c.boolean(1) {
		typ, right = winnt.ThreadObject, winnt.THREAD_QUERY_LIMITED_INFORMATION
	}
	o, _, st := k.ObReferenceObjectByHandle(c.handle(0), right, typ, kernel.UserMode)
	if st != ntstatus.Success {
		return status(st)
	}
	defer k.ObDereferenceObject(o)
	var e marshal.Encoder
	switch x := o.(type) {
	case *kernel.EThread:
		e.U64(uint64(x.Process().ID()))
		e.U64(uint64(x.ID()))
	case *kernel.EProcess:
		e.U64(uint64(x.ID()))
		e.U64(0)
	}
	return status(c.Write(c.ptr(2), e.Bytes))
}
