//go:build linux

package marshal

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// PortHeader is the size of PORT_MESSAGE. The data follows it.
const PortHeader = 40

// A PortMessage is a PORT_MESSAGE with its data. The zero value has no type.
type PortMessage struct {
	Type     uint16 // not read
	ClientID nt.ClientID
	ID       uint32
	Data     []byte
}

// PortMessageAt copies a message without its type. A TotalLength below the data and the header gives
// STATUS_INVALID_PARAMETER. A misaligned address is STATUS_DATATYPE_MISALIGNMENT. The data is a copy. Data that is
// unreadable gives a status.
func (m *Memory) PortMessageAt(p Address) (x PortMessage, st ntstatus.Status) {
	// A misaligned message gets the same status as a bad pointer (O-3).
	if p%4 != 0 {
		return x, ntstatus.DatatypeMisalignment
	}
	h, st := m.Block(p, PortHeader, 1)
	if st != ntstatus.Success {
		return x, st
	}
	n, total := int(le.Uint16(h)), int(le.Uint16(h[2:]))
	if total < n+PortHeader {
		return x, ntstatus.InvalidParameter
	}
	x.ClientID = nt.ClientID{UniqueProcess: winnt.Handle(le.Uint64(h[8:])), UniqueThread: winnt.Handle(le.Uint64(h[16:]))}
	x.ID = le.Uint32(h[24:])
	x.Data, st = m.Block(p+PortHeader, n, 1)
	return x, st
}

// WritePortMessage writes a PORT_MESSAGE with its header and data. It returns a status if the memory cannot be
// written.
func (m *Memory) WritePortMessage(p Address, x *PortMessage) ntstatus.Status {
	var e Encoder
	e.U16(uint16(len(x.Data)))
	e.U16(uint16(len(x.Data) + PortHeader))
	e.U16(x.Type)
	e.U16(0)
	e.U64(uint64(x.ClientID.UniqueProcess))
	e.U64(uint64(x.ClientID.UniqueThread))
	e.U32(x.ID)
	e.Align(8)
	e.U64(0)
	e.Bytes = append(e.Bytes, x.Data...)
	return m.Write(p, e.Bytes)
}
