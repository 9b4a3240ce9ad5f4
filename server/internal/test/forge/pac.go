package forge

import (
	"encoding/binary"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Types of buffers.
const (
	LogonInfo    = 1
	Server       = 6
	KDC          = 7
	ClientInfo   = 10
	Delegation   = 11
	UPN          = 12
	ClientClaims = 13
	DeviceInfo   = 14
	DeviceClaims = 15
	Attributes   = 17
	Requestor    = 18
)

// Group is a group by its RID.
type Group struct{ RID, Attributes uint32 }

// PAC has the contents of a PAC. The logon information and the client's name are always written. A nil slice or
// pointer, or another zero value, omits its optional buffer.
type PAC struct {
	Domain         sid.SID
	User, Primary  uint32
	Name           string // of the account
	DomainName     string
	Client         string // of the ticket; "" for Name
	AuthTime       time.Time
	Groups         []Group
	Extra          []token.Group
	ResourceDomain sid.SID
	Resources      []Group
	Flags          uint32 // in addition to those that the groups imply
	NoFlags        bool   // leaves out the flags that the groups imply

	UPN, DNSDomain string
	UPNFlags       uint32
	UPNSID         sid.SID
	Requestor      sid.SID
	Delegated      []string
	WithAttributes bool
	Claims         []claims.Attribute
	DeviceClaims   []claims.Attribute
	Compressed     bool
	Device         *Device
}

// Device is the computer that a client used.
type Device struct {
	Domain        sid.SID
	User, Primary uint32
	Groups        []Group
	Extra         []token.Group
	Others        map[sid.SID][]Group
}

// Buffer is one buffer of a PAC.
type Buffer struct {
	Type uint32
	Data []byte
}

// Buffers returns the buffers, in Windows' order, without signatures.
func (p PAC) Buffers() []Buffer {
	out := []Buffer{{LogonInfo, p.logonInfo()}, {ClientInfo, p.clientInfo()}}
	add := func(when bool, kind uint32, data func() []byte) {
		if when {
			out = append(out, Buffer{kind, data()})
		}
	}
	add(p.UPN != "", UPN, p.upn)
	add(p.Delegated != nil, Delegation, p.delegation)
	add(p.Claims != nil, ClientClaims, func() []byte { return ClaimsBuffer(p.Claims, p.Compressed) })
	add(p.Device != nil, DeviceInfo, func() []byte { return p.Device.buffer() })
	add(p.DeviceClaims != nil, DeviceClaims, func() []byte { return ClaimsBuffer(p.DeviceClaims, p.Compressed) })
	add(p.WithAttributes, Attributes, func() []byte { return []byte{2, 0, 0, 0, 1, 0, 0, 0} })
	add(!p.Requestor.IsZero(), Requestor, func() []byte { return p.Requestor.AppendBinary(nil) })
	return out
}

const never = 0x7fffffff_ffffffff

// logonInfo returns the buffer KERB_VALIDATION_INFO in NDR. It sets the flags of extra SIDs and resource groups,
// unless NoFlags is set.
func (p PAC) logonInfo() []byte {
	w := newWriter()
	for _, t := range []int64{FileTime(p.AuthTime), never, never, 0, 0, never} {
		w.time(t)
	}
	names := [6]string{p.Name}
	for _, s := range names {
		w.counted(s)
	}
	w.u16(7)
	w.u16(0)
	w.u32(p.User)
	w.u32(p.Primary)
	w.counts(len(p.Groups))
	flags := p.Flags
	if len(p.Extra) > 0 && !p.NoFlags {
		flags |= 0x20
	}
	if len(p.Resources) > 0 && !p.NoFlags {
		flags |= 0x200
	}
	w.u32(flags)
	w.b = append(w.b, []byte("a session key!!!")...)
	w.counted("DC1")
	w.counted(p.DomainName)
	w.pointer(true)
	w.b = append(w.b, make([]byte, 8)...)
	w.u32(0x10)
	w.b = append(w.b, make([]byte, 28)...)
	w.counts(len(p.Extra))
	w.pointer(!p.ResourceDomain.IsZero())
	w.counts(len(p.Resources))
	for _, s := range names {
		w.text(s)
	}
	w.memberships(p.Groups)
	w.text("DC1")
	w.text(p.DomainName)
	w.sid(p.Domain)
	w.sids(p.Extra)
	if !p.ResourceDomain.IsZero() {
		w.sid(p.ResourceDomain)
	}
	w.memberships(p.Resources)
	return w.done()
}

// FileTime returns a time as a FILETIME, truncated to whole seconds.
func FileTime(t time.Time) int64 { return filetime.Of(t.Truncate(time.Second)) }

// clientInfo returns the buffer PAC_CLIENT_INFO, with Client, or Name if that is "".
func (p PAC) clientInfo() []byte {
	name := p.Client
	if name == "" {
		name = p.Name
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(FileTime(p.AuthTime)))
	u := UTF16(name)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(u))), u...)
}

// upn returns the buffer UPN_DNS_INFO, in its long form if UPNSID is set.
func (p PAC) upn() []byte {
	parts := [][]byte{UTF16(p.UPN), UTF16(p.DNSDomain)}
	flags, fixed := p.UPNFlags, 16
	if !p.UPNSID.IsZero() {
		parts, flags, fixed = append(parts, UTF16(p.Name), p.UPNSID.AppendBinary(nil)), flags|2, 24
	}
	var head, tail []byte
	for i, part := range parts {
		if i == 2 {
			head = binary.LittleEndian.AppendUint32(head, flags)
		}
		head = binary.LittleEndian.AppendUint16(head, uint16(len(part)))
		head = binary.LittleEndian.AppendUint16(head, uint16(fixed+len(tail)))
		tail = append(tail, part...)
		for len(tail)%8 != 0 {
			tail = append(tail, 0)
		}
	}
	if len(parts) == 2 {
		head = binary.LittleEndian.AppendUint32(head, flags)
	}
	for len(head) < fixed {
		head = append(head, 0)
	}
	return append(head, tail...)
}

// delegation returns the buffer S4U_DELEGATION_INFO in NDR. It may have no services.
func (p PAC) delegation() []byte {
	w := newWriter()
	w.counted("target")
	w.counts(len(p.Delegated))
	w.text("target")
	if len(p.Delegated) > 0 {
		w.u32(uint32(len(p.Delegated)))
	}
	for _, s := range p.Delegated {
		w.counted(s)
	}
	for _, s := range p.Delegated {
		w.text(s)
	}
	return w.done()
}

// buffer returns the buffer PAC_DEVICE_INFO in NDR.
func (d *Device) buffer() []byte {
	w := newWriter()
	w.u32(d.User)
	w.u32(d.Primary)
	w.pointer(true)
	w.counts(len(d.Groups))
	w.counts(len(d.Extra))
	w.counts(len(d.Others))
	w.sid(d.Domain)
	w.memberships(d.Groups)
	w.sids(d.Extra)
	if len(d.Others) > 0 {
		w.u32(uint32(len(d.Others)))
	}
	var order []sid.SID
	for s, groups := range d.Others {
		order = append(order, s)
		w.pointer(true)
		w.counts(len(groups))
	}
	for _, s := range order {
		w.sid(s)
		w.memberships(d.Others[s])
	}
	return w.done()
}
