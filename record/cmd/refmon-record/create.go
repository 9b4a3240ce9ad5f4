package main

import (
	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// create calls CreatePrivateObjectSecurityEx and returns the new object's descriptor as SDDL. If the call fails, the
// result is its Win32 code without fields. A missing function and a result that does not decode are skipErrors. The
// descriptor is freed, unless it cannot be read.
func (a *asker) create(in replay.Fields) (string, replay.Fields, error) {
	c, err := replay.ReadCreation(in)
	if err != nil {
		return "", nil, err
	}
	own, err := a.openOwn(winnt.TOKEN_QUERY)
	if err != nil {
		return "", nil, err
	}
	defer a.closeHandle(own)
	k := pack(replay.NewDescriptor)
	k.DLL = "advapi32.dll"
	result := k.room(8)
	k.ptr(k.descriptor(c.Parent)).ptr(k.descriptor(c.Creator)).ptr(result)
	if c.ObjectTypes == nil {
		k.num(0)
	} else {
		k.ptr(k.add(guid(c.ObjectTypes[0])))
	}
	k.flag(c.Container)
	k.u32(c.Flags)
	k.handle(own)
	k.ptr(k.mapping(c.Mapping))
	p := a.do(k.request)
	if p.Missing != "" {
		return "", nil, skip("%s: %s", k.Proc, p.Missing)
	}
	if uint32(p.Return) == 0 {
		return win32.Code(p.LastError).String(), nil, nil
	}
	at := p.u64(result)
	n, err := a.number(call("advapi32.dll", "GetSecurityDescriptorLength").num(at))
	if err != nil {
		return "", nil, err
	}
	b, err := a.peek(at, int(uint32(n)))
	if err != nil {
		return "", nil, err
	}
	k = pack("DestroyPrivateObjectSecurity")
	k.DLL = "advapi32.dll"
	a.do(k.ptr(k.add(le.AppendUint64(nil, at))))
	d, err := sd.Decode(b)
	if err != nil {
		return "", nil, skip("%s gave a descriptor that does not decode: %v", replay.NewDescriptor, err)
	}
	text, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return "", nil, skip("%s gave a descriptor without a text: %v", replay.NewDescriptor, err)
	}
	return win32.Code(0).String(), replay.Fields{"sddl": text}, nil
}
