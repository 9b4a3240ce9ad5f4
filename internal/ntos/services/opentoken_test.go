package services_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// With CopyOnOpen or EffectiveOnly, the first open of a thread's token creates a copy. The thread then uses the copy
// at the copy's level, and later opens return it. Without either flag every handle refers to the token itself. A
// change to a copy never affects the client's token (I-5, I-6, I-23).
func TestFirstOpenCopiesToken(t *testing.T) {
	for _, c := range []struct {
		copyOnOpen, effectiveOnly bool
		copies                    []bool // whether an open gives a token that was not seen before
	}{
		{false, false, []bool{false, false, false}}, {true, false, []bool{true, false, false}},
		{false, true, []bool{true, false, false}}, {true, true, []bool{true, false, false}},
	} {
		w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
		tok := w.token(k, svc, winnt.SecurityDelegation, winnt.SeDebugPrivilege)
		check.Success(t, k.PsImpersonateClient(k.Thread(), tok, c.copyOnOpen, c.effectiveOnly,
			winnt.SecurityImpersonation))
		client, before := tok.ID(), tok.Value()
		seen := map[winnt.LUID]bool{client: true}
		for n, fresh := range c.copies {
			h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ADJUST_SESSIONID,
				true)
			if want(t, "open", st, ntstatus.Success); st != ntstatus.Success {
				break
			}
			s := class[nt.TokenStatistics](t, th, h, winnt.TokenStatistics)
			check.That(t, seen[s.TokenID] != fresh,
				"%+v: open %d returned token %#x, earlier tokens %v, want a new one only at the first copy", c, n, s.TokenID, seen)
			seen[s.TokenID] = true
			if own := c.copyOnOpen || c.effectiveOnly; own == (s.TokenID == client) {
				t.Errorf("%+v: open %d returned the client's own token: %v, want %v", c, n, !own, own == false)
			}
			acts, copies, effective, level := k.PsReferenceImpersonationToken(k.Thread())
			check.That(t,
				acts.ID() == s.TokenID && !copies && effective == c.effectiveOnly && level == winnt.SecurityImpersonation,
				"%+v: after open %d the thread uses token %#x (flags %v, %v, level %v), want %#x of the handle", c, n,
				acts.ID(), copies, effective, level, s.TokenID)
			k.PsDereferenceImpersonationToken(acts)
			check.That(t, s.TokenID == client || s.ImpersonationLevel == winnt.SecurityImpersonation,
				"%+v: open %d returned a copy at level %v, want SecurityImpersonation", c, n, s.ImpersonationLevel)
			check.Success(t, check.Status(th.NtAdjustPrivilegesToken(h, true, nil, false)))
			check.Equal(t, tok.Value() != before, s.TokenID == client, "%+v: open %d changed the client's token", c, n)
			check.Success(t, th.NtClose(h))
		}
		k.PsRevertToSelf()
	}
}

// A copy that the job refuses leaves no handle (I-23, I-90).
func TestRefusedCopyLeavesNoHandle(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	job := check.Result(th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, nil))
	check.Success(t, th.NtAssignProcessToJobObject(job, winnt.NtCurrentProcess))
	check.Success(t, k.PsImpersonateClient(k.Thread(), w.token(k, svc, winnt.SecurityDelegation), true, false,
		winnt.SecurityImpersonation))
	check.Success(t, th.NtSetInformationJobObject(job, nt.JobSecurityLimitInformation{
		SecurityLimitFlags: winnt.JOB_OBJECT_SECURITY_RESTRICTED_TOKEN}))
	had := handles(t, th)
	_, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	want(t, "open a copy", st, ntstatus.AccessDenied)
	check.That(t, maps.Equal(handles(t, th), had), "handles %v, want %v", handles(t, th), had)
	k.PsRevertToSelf()
}

// An open of a thread's token checks the attributes first, then the thread's handle, then the token (I-20).
func TestOpenThreadTokenChecksAttributesFirst(t *testing.T) {
	th := newThread(t)
	for _, c := range []struct {
		thread     winnt.Handle
		attributes uint32
		want       ntstatus.Status
	}{
		{4000, winnt.OBJ_PERMANENT, ntstatus.InvalidParameter},
		{winnt.NtCurrentProcess, winnt.OBJ_PERMANENT, ntstatus.InvalidParameter},
		{4000, winnt.OBJ_INHERIT, ntstatus.InvalidHandle},
		{winnt.NtCurrentProcess, winnt.OBJ_INHERIT, ntstatus.ObjectTypeMismatch},
		{winnt.NtCurrentThread, winnt.OBJ_INHERIT, ntstatus.NoToken},
	} {
		_, st := th.NtOpenThreadTokenEx(c.thread, winnt.RESERVED_RIGHTS, true, c.attributes)
		want(t, "thread and attributes", st, c.want)
	}
}

// The handle of the thread must grant THREAD_QUERY_INFORMATION, and in the profile Observed only the limited right
// (I-131).
func TestOpenThreadTokenNeedsRightOfHandle(t *testing.T) {
	const whole, limited = winnt.THREAD_QUERY_INFORMATION, winnt.THREAD_QUERY_LIMITED_INFORMATION
	for _, c := range []struct {
		profile nt.Profile
		granted winnt.AccessMask
		want    ntstatus.Status // STATUS_NO_TOKEN: the handle is enough
	}{{nt.Documented, whole, ntstatus.NoToken}, {nt.Documented, limited, ntstatus.AccessDenied},
		{nt.Observed, limited, ntstatus.NoToken}, {nt.Observed, winnt.THREAD_SET_INFORMATION, ntstatus.AccessDenied}} {
		w := newWorld(t, kernel.Config{Profile: c.profile})
		th, _ := w.thread(w.process("p"))
		h := check.Result(th.NtDuplicateObject(winnt.NtCurrentProcess, winnt.NtCurrentThread, winnt.NtCurrentProcess,
			c.granted, 0, 0))
		want(t, "open", check.Status(th.NtOpenThreadToken(h, winnt.TOKEN_QUERY, true)), c.want)
	}
}

// Kernel mode may request OBJ_KERNEL_HANDLE and no other handle attribute. It must request it outside of the System
// process (O-28, O-29).
func TestKernelHandleAttributeOfTokens(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	_, outside := w.thread(w.process("p"))
	inside := check.Must(w.sys.SystemThread())
	const inherit, kernelHandle = winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE
	for _, c := range []struct {
		attributes      uint32
		inside, outside ntstatus.Status
	}{
		{0, ntstatus.Success, ntstatus.InvalidParameter},
		{kernelHandle, ntstatus.Success, ntstatus.Success},
		{inherit, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
		{inherit | kernelHandle, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
		{winnt.OBJ_FORCE_ACCESS_CHECK | kernelHandle, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
	} {
		for k, wanted := range map[*kernel.KernelThread]ntstatus.Status{inside: c.inside, outside: c.outside} {
			h, st := k.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, c.attributes)
			if want(t, "open", st, wanted); st != ntstatus.Success {
				continue
			}
			check.That(t, (h < 0) == (c.attributes&kernelHandle != 0),
				"attributes %#x: handle %#x, want a kernel handle only with OBJ_KERNEL_HANDLE", c.attributes, int64(h))
			check.Success(t, k.ZwClose(h))
		}
	}
}

// An open of another process's thread token with OpenAsSelf uses the token of the caller's own process, whether the
// caller's client is admitted or not. It never uses the process of that thread. With CopyOnOpen the same token decides,
// and the copy admits the process of that thread (I-21, I-23).
func TestOpenAsSelfUsesCallersProcess(t *testing.T) {
	for _, c := range []struct {
		admits       string
		copyOnOpen   bool
		self, client ntstatus.Status
	}{{svc, false, 0, ntstatus.AccessDenied}, {client, false, ntstatus.AccessDenied, 0},
		{acting, false, ntstatus.AccessDenied, ntstatus.AccessDenied},
		{svc, true, 0, ntstatus.AccessDenied}, {client, true, ntstatus.AccessDenied, 0}} {
		w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
		other := check.Must(w.sys.NewProcess("other", value(t, acting, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege)))
		_, served := w.thread(other)
		const rights = winnt.TOKEN_QUERY | winnt.READ_CONTROL
		tok := check.Result(k.NewTokenProtected(value(t, svc, winnt.TokenImpersonation, winnt.SecurityImpersonation),
			sddl.MustParse("O:SYG:SYD:(A;;0x20008;;;"+c.admits+")")))
		want(t, "the other acts", served.PsImpersonateClient(served.Thread(), tok, c.copyOnOpen, false,
			winnt.SecurityImpersonation), ntstatus.Success)
		k.PsDereferencePrimaryToken(tok)
		h := check.Result(k.ObOpenObjectByPointer(served.Thread(), 0, winnt.THREAD_ALL_ACCESS, winnt.ThreadObject,
			kernel.KernelMode))
		w.impersonate(k, client, winnt.SecurityImpersonation)
		// A refused open leaves the token as it is, and a copy admits other users than the token: so refusals first.
		for _, self := range []bool{c.self != ntstatus.Success, c.self == ntstatus.Success} {
			wanted := c.client
			if self {
				wanted = c.self
			}
			opened, st := th.NtOpenThreadToken(h, rights, self)
			if want(t, c.admits, st, wanted); st != ntstatus.Success || !c.copyOnOpen {
				continue
			}
			d := check.Result(th.NtQuerySecurityObject(opened, winnt.DACL_SECURITY_INFORMATION))
			text, _ := sddl.Format(d, sddl.Options{})
			check.That(t, strings.Contains(text, acting), "I-23: the copy has %s, which does not admit %s", text, acting)
		}
		k.PsRevertToSelf()
		served.PsRevertToSelf()
	}
}

// The older services, which take no attributes, set none, so that a child inherits only intended handles (T-34, I-27).
func TestOpenProcessTokenIsNotInheritable(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	flags := func(h winnt.Handle, st ntstatus.Status) nt.HandleFlagInformation {
		t.Helper()
		check.Success(t, st)
		x := check.Result(th.NtQueryObject(h, nt.ObjectHandleFlagInformation))
		return x.(nt.HandleFlagInformation)
	}
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	check.Equal(t, flags(own, st), (nt.HandleFlagInformation{}), "T-34: flags of a handle from NtOpenProcessToken")
	check.Equal(t, flags(th.NtOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, winnt.OBJ_INHERIT)),
		nt.HandleFlagInformation{Inherit: true}, "T-34: flags of a handle from NtOpenProcessTokenEx with OBJ_INHERIT")
	oa := &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
		ImpersonationLevel: winnt.SecurityImpersonation}}
	imp, st := th.NtDuplicateToken(own, 0, oa, false, winnt.TokenImpersonation)
	check.Equal(t, flags(imp, st), (nt.HandleFlagInformation{}), "T-47: flags of a handle from NtDuplicateToken")
	check.Success(t, th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, imp))
	if got := flags(th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)); got !=
		(nt.HandleFlagInformation{}) {
		t.Errorf("I-27: flags of a handle from NtOpenThreadToken = %+v, want none", got)
	}
}
