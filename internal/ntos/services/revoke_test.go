package services_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A revoked token keeps its user and loses its privileges. Its SIDs count for deny entries only, so that nothing but
// an object without a DACL grants it access. Other tokens do not change (W-98).
func TestRevokedTokenGrantsNothing(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	revoked := w.with("revoked", value(t, client, winnt.TokenPrimary, 0, winnt.SeDebugPrivilege))
	kept := w.with("kept", value(t, "S-1-5-21-1-2-3-1002", winnt.TokenPrimary, 0, winnt.SeDebugPrivilege))
	before := w.sys.TokenOf(kept.ID())
	for _, want := range []int{1, 0} { // each token once
		ended, closed := w.sys.Revoke(func(v *token.Token) bool { return v.User().SID == sid.MustParse(client) }, nil)
		check.Equal(t, [2]int{ended, closed}, [2]int{want, 0}, "revoked tokens and files")
	}
	for text, grants := range map[string]bool{"O:SYG:SYD:(A;;GA;;;WD)": false, "O:SYG:SYD:(A;;GA;;;" + client + ")": false,
		"O:" + client + "G:SYD:": false, "O:SYG:SYD:(A;;GA;;;S-1-0-0)": false, "O:SYG:SYD:NO_ACCESS_CONTROL": true} {
		d := check.Must(access.Check(w.sys.TokenOf(revoked.ID()), sddl.MustParse(text), winnt.READ_CONTROL,
			winnt.EventObject))
		check.Equal(t, d.Allowed(), grants, "W-98: %s grants READ_CONTROL", text)
	}
	v := w.sys.TokenOf(revoked.ID())
	check.That(t, v.User().SID == sid.MustParse(client) && v.Present() == 0 && v.IsRestricted() &&
		v.Member(sid.Everyone, true) && !v.Member(sid.Everyone, false),
		"W-98: the revoked token is %+v, want one of the user with deny-only SIDs and without privileges", v.Spec())
	check.Equal(t, w.sys.TokenOf(kept.ID()), before, "W-98: the other user's token")
}

// After a revocation, a new token of a selected user and logon session has no rights: a copy of an older value, and a
// linked token that had no object yet. Other users of the session, a new logon of the user, and sessions that several
// users share are not affected (W-98).
func TestRevocationMarksLogonSessions(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	of := func(spec token.Spec, session winnt.LUID) *token.Token {
		spec.AuthenticationID = session
		return check.Must(token.New(spec))
	}
	user := sid.MustParse(client)
	full := of(token.Administrator(user), w.sys.OpenLogonSession())
	limited := of(token.LimitedAdministrator(user), w.sys.OpenLogonSession())
	check.Success(t, w.sys.LinkLogons(full, limited))
	th, _ := w.thread(w.with("limited", limited))
	revoked := func(h winnt.Handle) bool {
		t.Helper()
		return check.Result(th.NtQueryInformationToken(h, winnt.TokenIsRestricted)) == any(uint32(1))
	}
	w.sys.Revoke((*token.Token).IsAdmin, nil)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
	linked := check.Result(th.NtQueryInformationToken(own, winnt.TokenLinkedToken)).(winnt.Handle)
	check.That(t, !revoked(own) && revoked(linked),
		"W-98: revoked the limited token: %t, its linked token: %t; want false, true", revoked(own), revoked(linked))

	session := limited.AuthenticationID()
	shared := []winnt.LUID{0, winnt.SYSTEM_LUID}
	for _, id := range shared {
		w.with("shared", of(token.StandardUser(user), id))
	}
	w.sys.Revoke(func(v *token.Token) bool { return v.User().SID == user }, nil)
	later := w.sys.TokenOf(w.with("later", limited).ID())
	copied := w.sys.TokenOf(w.with("copy", later).ID())
	check.That(t, later.IsRestricted() && later.Present() == 0 && copied == later,
		"W-98: a new token of the session is restricted: %t, with %d privileges, its copy is equal: %t; want true, 0, true",
		later.IsRestricted(), later.PrivilegeCount(), copied == later)
	for _, v := range []*token.Token{of(token.StandardUser(sid.MustParse(svc)), session),
		of(token.StandardUser(user), w.sys.OpenLogonSession()), of(token.StandardUser(user), shared[0]),
		of(token.StandardUser(user), shared[1])} {
		check.Equal(t, w.sys.TokenOf(w.with("kept", v).ID()), v, "W-98: token of %s in session %s", v.User().SID,
			v.AuthenticationID())
	}
}

// Each later call on a revoked file is denied, through any of its handles. The handles can still be closed. Calls on
// other files succeed, and so do calls on handles that are opened later. For a file that a server opened for a client,
// Revoke calls its function with that client and the file's name (W-99).
func TestRevokedFileDeniesEachCall(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}), winnt.SeImpersonatePrivilege)
	w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
	k := w.sys.KernelMode(w.Thread)
	w.impersonate(k, client, winnt.SecurityImpersonation)
	file := w.open(`\??\T\file`, winnt.FILE_ALL_ACCESS, synchronous)
	k.PsRevertToSelf()
	own := w.open(`\??\T\own`, winnt.FILE_ALL_ACCESS, synchronous)
	dir := w.open(`\??\T\dir`, winnt.FILE_ALL_ACCESS, synchronous)
	again := check.Result(w.NtDuplicateObject(winnt.NtCurrentProcess, file, winnt.NtCurrentProcess, 0, 0,
		winnt.DUPLICATE_SAME_ACCESS))
	null := check.Result(w.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	clients := map[string]sid.SID{}
	files := func(client *token.Token, name string) bool {
		clients[name] = sid.SID{}
		if client != nil {
			clients[name] = client.User().SID
		}
		return name == `\Device\T\file` || name == `\Device\T\dir`
	}
	for _, want := range []int{2, 0} { // each file once
		ended, closed := w.sys.Revoke(nil, files)
		check.Equal(t, [2]int{ended, closed}, [2]int{0, want}, "revoked tokens and files")
	}
	check.DeepEqual(t, clients, map[string]sid.SID{`\Device\T\file`: sid.MustParse(client), `\Device\T\own`: {},
		`\Device\T\dir`: {}}, "W-99: clients of the open files")
	for h, wanted := range map[winnt.Handle]string{file: client + ` [\Device\T\file]`, own: `none [\Device\T\own]`,
		0x7770: "none []", winnt.NtCurrentProcess: "none []", null: "none []"} {
		who := "none"
		v, names := w.sys.OpenedAs(w.Thread, h)
		if v != nil {
			who = v.User().SID.String()
		}
		check.Equal(t, fmt.Sprint(who, " ", names), wanted, "W-99: client and names of handle %v", h)
	}
	fresh := w.open(`\??\T\file`, winnt.FILE_ALL_ACCESS, synchronous)
	for name, call := range map[string]func(h winnt.Handle) ntstatus.Status{
		"NtReadFile": func(h winnt.Handle) ntstatus.Status {
			return check.Status(w.Services().NtReadFile(nt.ReadFileIn{FileHandle: h, Length: 1, ByteOffset: 1}))
		},
		"NtQueryInformationFile": func(h winnt.Handle) ntstatus.Status {
			return check.Status(w.NtQueryInformationFile(h, nt.FileAccessInformation))
		},
		"NtQuerySecurityObject": func(h winnt.Handle) ntstatus.Status {
			return check.Status(w.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION))
		},
		"NtFsControlFile": func(h winnt.Handle) ntstatus.Status {
			return check.Status(w.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: h}))
		},
	} {
		for h, revoked := range map[winnt.Handle]bool{file: true, again: true, own: false, fresh: false} {
			st := call(h)
			check.That(t, (st == ntstatus.AccessDenied) == revoked, "W-99: %s of %v, revoked %t: %v", name, h, revoked, st)
		}
	}
	_, st := w.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{RootDirectory: dir, ObjectName: "x"}, 7, 0)
	check.Equal(t, st, ntstatus.AccessDenied, "W-99: an open below a revoked directory")
	// A file counts by its present name too; above the tree did not know it.
	w.tree.now = "moved"
	_, names := w.sys.OpenedAs(w.Thread, own)
	check.SlicesEqual(t, names, []string{`\Device\T\own`, `\Device\T\moved`}, "W-99: names of a moved file")
	_, closed := w.sys.Revoke(nil, func(_ *token.Token, name string) bool { return name == `\Device\T\moved` })
	check.Equal(t, closed, 2, "W-99: files that were revoked by their present name")
	for _, h := range []winnt.Handle{file, again, own, dir, fresh} {
		check.Success(t, w.NtClose(h))
	}
}
