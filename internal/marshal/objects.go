//go:build linux

package marshal

import (
	"github.com/refmon/refmon/nt"
)

// ObjectInformation appends a result of NtQueryObject. It appends nothing for a value of another type.
func (e *Encoder) ObjectInformation(value any) {
	switch v := value.(type) {
	case nt.BasicInformation:
		for _, n := range []uint32{
			v.Attributes, uint32(v.GrantedAccess), v.HandleCount, v.PointerCount, v.PagedPoolCharge, v.NonPagedPoolCharge,
			0, 0, 0, v.NameInfoSize, v.TypeInfoSize, v.SecurityDescriptorSize,
		} {
			e.U32(n)
		}
		e.U64(uint64(v.CreationTime))
	case string:
		at := e.Reserve(16)
		if v != "" {
			e.Unicode(at, v)
		}
	case nt.TypeInformation:
		e.TypeInformation(v)
	case []nt.TypeInformation:
		e.U64(uint64(len(v)))
		for _, t := range v {
			e.TypeInformation(t)
			e.Align(8)
		}
	case nt.HandleFlagInformation:
		e.U8(v.Inherit)
		e.U8(v.ProtectFromClose)
	}
}

// ProcessInformation appends the result of NtQueryInformationProcess or NtQueryInformationThread. It appends nothing
// for a value of an unknown type.
func (e *Encoder) ProcessInformation(value any) {
	switch v := value.(type) {
	case nt.ProcessBasic:
		for _, n := range []uint64{uint64(v.ExitStatus), 0, 0, 0, uint64(v.UniqueProcessID),
			uint64(v.InheritedFromUniqueProcessID)} {
			e.U64(n)
		}
	case nt.ThreadBasic:
		for _, n := range []uint64{uint64(v.ExitStatus), 0, uint64(v.ClientID.UniqueProcess),
			uint64(v.ClientID.UniqueThread), 0, 0} {
			e.U64(n)
		}
	case nt.KernelUserTimes:
		for _, n := range []int64{v.CreateTime, v.ExitTime, v.KernelTime, v.UserTime} {
			e.U64(uint64(n))
		}
	case uint32:
		e.U32(v)
	case []nt.ProcessHandle:
		e.U64(uint64(len(v)))
		e.U64(0)
		for _, h := range v {
			e.U64(uint64(h.HandleValue))
			e.U64(uint64(h.HandleCount))
			e.U64(uint64(h.PointerCount))
			for _, n := range []uint32{uint32(h.GrantedAccess), h.ObjectTypeIndex, h.HandleAttributes, 0} {
				e.U32(n)
			}
		}
	default:
		e.ObjectInformation(value) // a name
	}
}

// Unicode appends text with a NUL, which the length does not count, and stores its UNICODE_STRING at offset at, which
// must be reserved. It appends at most as many bytes as a UNICODE_STRING can have with its NUL, maxCounted.
func (e *Encoder) Unicode(at int, s string) {
	e.Point(at + 8)
	start := len(e.Bytes)
	n := uint16(min(e.Text(s), maxCounted-2))
	e.Bytes = e.Bytes[:start+int(n)]
	e.U16(0)
	le.PutUint16(e.Bytes[at:], n)
	le.PutUint16(e.Bytes[at+2:], n+2)
}

// TypeInformation appends an OBJECT_TYPE_INFORMATION with the type's name behind it.
func (e *Encoder) TypeInformation(v nt.TypeInformation) {
	at := e.Reserve(104)
	b := e.Bytes[at:]
	g := v.GenericMapping
	for i, m := range []uint32{
		v.InvalidAttributes, uint32(g.Read), uint32(g.Write), uint32(g.Execute), uint32(g.All), uint32(v.ValidAccessMask),
	} {
		le.PutUint32(b[64+4*i:], m)
	}
	if v.SecurityRequired {
		b[88] = 1
	}
	e.Unicode(at, v.TypeName)
}
