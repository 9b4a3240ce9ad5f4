package main

import (
	"encoding/binary"
	"fmt"
	"runtime"

	"github.com/refmon/refmon/internal/cli/replay"
)

// productTypes names the values of wProductType in OSVERSIONINFOEXW.
var productTypes = map[byte]string{1: "workstation", 2: "domain controller", 3: "server"}

// system describes this machine: version, build, architecture and, under Wine, Wine's version. It fails without
// RtlGetVersion.
func (a *asker) system() (s replay.System, err error) {
	r := call("ntdll.dll", "RtlGetVersion")
	b := make([]byte, 284) // RTL_OSVERSIONINFOEXW
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	info := r.add(b)
	p := a.do(r.ptr(info))
	if p.Missing != "" || uint32(p.Return) != 0 {
		return s, fmt.Errorf("RtlGetVersion: %s status 0x%x", p.Missing, uint32(p.Return))
	}
	v := p.bytes(info)
	at := func(i int) uint32 { return binary.LittleEndian.Uint32(v[i:]) }
	s.Product = fmt.Sprintf("Windows %d.%d %s", at(4), at(8), productTypes[v[282]])
	s.Build, s.Revision, s.Architecture = at(12), a.revision(), runtime.GOARCH
	if p := a.do(call("ntdll.dll", "wine_get_version")); p.Missing == "" {
		s.Wine, err = a.ascii(p.Return)
	}
	return s, err
}

// revision returns the revision of the Windows build (UBR), 0 if the registry does not have it.
func (a *asker) revision() uint32 {
	r := call("advapi32.dll", "RegGetValueW").num(0x80000002) // HKEY_LOCAL_MACHINE
	n := r.add(u32le(nil, 4))
	value := r.room(4)
	// RRF_RT_REG_DWORD
	r.ptr(r.wide(`SOFTWARE\Microsoft\Windows NT\CurrentVersion`)).ptr(r.wide("UBR")).num(0x10).num(0).ptr(value).ptr(n)
	p := a.do(r)
	if p.Missing != "" || uint32(p.Return) != 0 {
		return 0
	}
	return p.u32(value)
}

// ascii copies a zero-terminated string of bytes at an address that a call has returned. lstrlenA finds its length and
// returns 0 for NULL and for memory that cannot be read, so the string is empty then.
func (a *asker) ascii(at uint64) (string, error) {
	n, err := a.number(call("kernel32.dll", "lstrlenA").num(at))
	if err != nil {
		return "", err
	}
	b, err := a.peek(at, int(uint32(n)))
	return string(b), err
}
