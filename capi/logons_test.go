//go:build cgo && linux

package main

import (
	"testing"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The SID behind a name is at a multiple of four, where its pointer points, whatever the length of the name. Without a
// SID the pointer is NULL.
func TestTrustPointsAtAlignedSID(t *testing.T) {
	for _, name := range []string{"", "A", "AB", "ABC", "ABCD", "ABCDE"} {
		for _, s := range []sid.SID{sid.LocalSystem, {}} {
			e := marshal.Encoder{Base: 0x10000}
			at := e.Reserve(24)
			trust(&e, at, name, s)
			p := le.Uint64(e.Bytes[at+16:])
			if s.IsZero() {
				check.Equal(t, p, 0, "pointer without a SID behind %q", name)
				continue
			}
			check.That(t, p%4 == 0 && p >= 0x10000+24+uint64(2*len(name)), "%q: the SID is at %#x", name, p)
			check.Equal(t, string(e.Bytes[p-0x10000:]), s.Binary(), "the bytes at the pointer behind %q", name)
		}
	}
}

// The functions of the local security authority return blocks with strings, SIDs and options, which are those that the
// services of the kernel return. A pointer that cannot be written is refused first.
func TestAuthorityFunctionsReturnBlocks(t *testing.T) {
	c := newCaller(t)
	defer c.leave()
	th := threadByID(c.id)
	h, out, n := make([]byte, 8), make([]byte, 8), make([]byte, 4)
	at, count := c.bytes(out), c.bytes(n)
	const everything, computer = 0xF0FFF, "S-1-5-21-1000000001-1000000002-1000000003"
	check.Success(t, c.call("LsaOpenPolicy", 0, 0, everything, c.bytes(h)))
	policy := le.Uint64(h)
	check.Equal(t, c.call("LsaOpenPolicy", 0x10, 0, everything, c.bytes(h)), ntstatus.AccessViolation, "bad system name")
	block := func() user { return user(le.Uint64(out)) }
	text := func(p user) string { return check.Result(th.StringAt(p)) }
	u64 := func(p user) uint64 { return check.Result(th.ReadU64(p)) }

	check.Success(t, c.call("LsaQueryInformationPolicy", policy, uint64(winnt.PolicyAccountDomainInformation), at))
	check.Equal(t, text(block()), "REFMON", "name of the account domain")
	check.Equal(t, check.Result(th.SIDAt(user(u64(block()+16)))).String(), computer, "SID of the account domain")
	about := check.Result(th.sys.LsaQueryInformationPolicy(nt.LsaQueryInformationPolicyIn{
		PolicyHandle: winnt.Handle(policy), InformationClass: winnt.PolicyAuditEventsInformation})).Buffer
	check.Success(t, c.call("LsaQueryInformationPolicy", policy, uint64(winnt.PolicyAuditEventsInformation), at))
	check.Equal(t, u64(block())&0xFF == 1, about.AuditingMode, "auditing mode")
	check.Equal(t, check.Result(th.ReadU32(block()+16)), uint32(len(about.EventAuditingOptions)), "number of options")
	for i, o := range about.EventAuditingOptions {
		got := check.Result(th.ReadU32(user(u64(block()+8)) + user(4*i)))
		check.Equal(t, got, uint32(o), "auditing option %d", i)
	}

	account := sid.MustParse(computer + "-1001")
	whose := c.bytes([]byte(account.Binary()))
	rights := check.Result(th.sys.LsaEnumerateAccountRights(nt.LsaEnumerateAccountRightsIn{
		PolicyHandle: winnt.Handle(policy), AccountSID: nt.Cap(account)})).UserRights
	check.Success(t, c.call("LsaEnumerateAccountRights", policy, whose, at, count))
	check.RequireThat(t, len(rights) > 1 && int(le.Uint32(n)) == len(rights), "%d rights, want %d, more than one",
		le.Uint32(n), len(rights))
	for i, name := range rights {
		check.Equal(t, text(block()+user(16*i)), name, "right %d", i)
	}

	luid := make([]byte, 8)
	for p, want := range map[uint64]ntstatus.Status{uint64(winnt.SeDebugPrivilege): 0, uint64(winnt.LastPrivilege): 0,
		uint64(winnt.LastPrivilege) + 1: ntstatus.NoSuchPrivilege, 1: ntstatus.NoSuchPrivilege,
		1<<32 | uint64(winnt.SeDebugPrivilege): ntstatus.NoSuchPrivilege} {
		le.PutUint64(luid, p)
		check.Equal(t, c.call("LsaLookupPrivilegeName", policy, c.bytes(luid), at), want, "name of privilege %#x", p)
		if want == ntstatus.Success {
			check.Equal(t, text(block()), winnt.Privilege(p).String(), "name of privilege %#x", p)
		}
	}
	domain := make([]byte, 8)
	check.Success(t, c.call("LsaGetUserName", at, c.bytes(domain)))
	check.Equal(t, text(block())+" of "+text(user(le.Uint64(domain))), "Administrator of REFMON", "user")
	check.Success(t, c.call("LsaGetUserName", at, 0))
	for name, args := range map[string][]uint64{"LsaOpenPolicy": {0, 0, everything, 0x10}, "LsaGetUserName": {0, at},
		"LsaQueryInformationPolicy": {0, 5, 0x10}, "LsaEnumerateAccountRights": {0, whose, 0x10, count},
		"LsaLookupPrivilegeName": {0, c.bytes(luid), 0x10}} {
		check.Equal(t, c.call(name, args...), ntstatus.AccessViolation, "%s with a bad output", name)
	}
	check.Equal(t, c.call("LsaEnumerateAccountRights", 0, whose, at, 0x10), ntstatus.AccessViolation, "bad count")
	check.Success(t, c.call("LsaClose", policy))
	le.PutUint64(luid, uint64(winnt.SeDebugPrivilege))
	for name, args := range map[string][]uint64{"LsaClose": {policy}, "LsaQueryInformationPolicy": {policy, 5, at},
		"LsaEnumerateAccountRights": {policy, whose, at, count}, "LsaLookupPrivilegeName": {policy, c.bytes(luid), at}} {
		check.Equal(t, c.call(name, args...), ntstatus.InvalidHandle, "%s with a closed handle", name)
	}
}
