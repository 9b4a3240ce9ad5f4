package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// I-5, I-6, I-23: with CopyOnOpen or EffectiveOnly the first open of a thread's token gives a copy, with
// which the thread acts from then on, at its level, and which the later ones open; without either every handle
// is of the token itself. What is done to a copy through its handle never shows in the client's token.
func TestEachOpenAndItsCopy(t *testing.T) {
	for _, c := range []struct {
		copyOnOpen, effectiveOnly bool
		copies                    []bool // whether an open gives a token that was not seen before
	}{
		{false, false, []bool{false, false, false}}, {true, false, []bool{true, false, false}},
		{false, true, []bool{true, false, false}}, {true, true, []bool{true, false, false}},
	} {
		w := newWorld(t, kernel.Config{})
		th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege))
		tok := w.token(k, svc, winnt.SecurityDelegation, winnt.SeDebugPrivilege)
		want(t, "act", k.PsImpersonateClient(k.Thread(), tok, c.copyOnOpen, c.effectiveOnly, winnt.SecurityImpersonation),
			ntstatus.Success)
		client, before := tok.ID(), tok.Value()
		seen := map[winnt.LUID]bool{client: true}
		for n, fresh := range c.copies {
			h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ADJUST_SESSIONID, true)
			if want(t, "open", st, ntstatus.Success); st != ntstatus.Success {
				break
			}
			s := class[nt.TokenStatistics](t, th, h, winnt.TokenStatistics)
			if seen[s.TokenID] == fresh {
				t.Errorf("%+v: open %d gives token %#x, of %v", c, n, s.TokenID, seen)
			}
			seen[s.TokenID] = true
			if own := c.copyOnOpen || c.effectiveOnly; own == (s.TokenID == client) {
				t.Errorf("%+v: open %d gives the client's token: %v", c, n, !own)
			}
			acts, copies, effective, level := k.PsReferenceImpersonationToken(k.Thread())
			if acts.ID() != s.TokenID || copies || effective != c.effectiveOnly || level != winnt.SecurityImpersonation {
				t.Errorf("%+v: after open %d the thread acts with %#x (%v, %v, %v), the handle is of %#x", c, n, acts.ID(),
					copies, effective, level, s.TokenID)
			}
			k.PsDereferenceImpersonationToken(acts)
			if s.TokenID != client && s.ImpersonationLevel != winnt.SecurityImpersonation {
				t.Errorf("%+v: open %d gives a copy at %v", c, n, s.ImpersonationLevel)
			}
			_, st = th.NtAdjustPrivilegesToken(h, true, nil, false)
			want(t, "adjust", st, ntstatus.Success)
			if changed := tok.Value() != before; changed != (s.TokenID == client) {
				t.Errorf("%+v: the client's token has changed by open %d: %v", c, n, changed)
			}
			want(t, "close", th.NtClose(h), ntstatus.Success)
		}
		k.PsRevertToSelf()
	}
}

// O-23: a name below a directory is relative, for each service that takes a name.
func TestAbsoluteNamesBelowADirectory(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeCreateGlobalPrivilege))
	root, st := th.NtOpenDirectoryObject(winnt.DIRECTORY_ALL_ACCESS&^winnt.WRITE_OWNER&^winnt.WRITE_DAC&^winnt.DELETE,
		&nt.ObjectAttributes{ObjectName: `\BaseNamedObjects`})
	want(t, "open the directory", st, ntstatus.Success)
	for _, m := range makers(t, w, th, k) {
		if m.object.ObjectName == "" || m.service == "NtCreateNamedPipeFile" {
			continue
		}
		name := m.object.ObjectName
		for _, c := range []struct {
			root winnt.Handle
			name string
			want ntstatus.Status
		}{
			{root, `\` + name, ntstatus.ObjectPathSyntaxBad}, {root, `\`, ntstatus.ObjectPathSyntaxBad},
			{0x7770, name, ntstatus.InvalidHandle}, {winnt.NtCurrentProcess, name, ntstatus.ObjectTypeMismatch},
		} {
			m.object.RootDirectory, m.object.ObjectName = c.root, c.name
			if _, st := m.call(th, 0); st != c.want {
				t.Errorf("%s, %q below %#x: %v, want %v", m.name, c.name, int64(c.root), st, c.want)
			}
		}
	}
	for _, name := range []string{`\??\pipe\x`, `\Device\NamedPipe\x`, `\Device\Null`} {
		_, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{RootDirectory: root, ObjectName: name}, 0, 0)
		want(t, "open "+name, st, ntstatus.ObjectPathSyntaxBad)
	}
}

// L-40, O-31: a handle of the policy is closed whatever it grants, and one that grants one right
// serves what needs that one alone.
func TestRightsOfAPolicy(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	s := th.Services()
	for _, granted := range []winnt.AccessMask{winnt.POLICY_LOOKUP_NAMES, winnt.POLICY_VIEW_LOCAL_INFORMATION,
		winnt.READ_CONTROL} {
		out, st := s.LsaOpenPolicy(nt.LsaOpenPolicyIn{DesiredAccess: granted})
		want(t, "open", st, ntstatus.Success)
		is := func(right winnt.AccessMask) ntstatus.Status {
			if granted&right != 0 {
				return ntstatus.Success
			}
			return ntstatus.AccessDenied
		}
		_, st = s.LsaQueryInformationPolicy(nt.LsaQueryInformationPolicyIn{PolicyHandle: out.PolicyHandle,
			InformationClass: winnt.PolicyAccountDomainInformation})
		want(t, "query", st, is(winnt.POLICY_VIEW_LOCAL_INFORMATION))
		_, st = s.LsaLookupNames2(nt.LsaLookupNames2In{PolicyHandle: out.PolicyHandle})
		want(t, "look names up", st, is(winnt.POLICY_LOOKUP_NAMES))
		_, st = s.LsaLookupSids(nt.LsaLookupSidsIn{PolicyHandle: out.PolicyHandle})
		want(t, "look SIDs up", st, is(winnt.POLICY_LOOKUP_NAMES))
		_, st = s.LsaClose(nt.LsaCloseIn{ObjectHandle: out.PolicyHandle})
		want(t, "close", st, ntstatus.Success)
	}
}
