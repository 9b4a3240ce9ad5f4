package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// impersonate impersonates the client of an end, checks the user and the level of the server's thread, and reverts.
func (s *site) impersonate(what string, e *npfs.End, user string, level winnt.SecurityImpersonationLevel) {
	s.T.Helper()
	out := e.Impersonate(s.server)
	who := s.server.Subject()
	switch {
	case out.Status != ntstatus.Success || who.Client == nil:
		s.T.Errorf("impersonating %s: %+v, want success and a client", what, out)
	case who.Client.User().SID.String() != user || who.Level != level:
		s.T.Errorf("%s: acts as %v at %v, want %s at %v", what, who.Client.User().SID, who.Level, user, level)
	}
	s.server.RevertToSelf()
}

var dynamic = nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
	ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}

// With dynamic tracking each message carries the context of its writer, and the last read message counts, even if it
// was read in part. A failed capture is reported at the impersonation. With static tracking the client is the one
// that connected (I-85, I-4).
func TestLastMessageSelectsClient(t *testing.T) {
	s := newSite(t)
	e := s.newServerEnd(npfs.Config{})
	c, out := s.connect(&dynamic)
	want(t, "connect", out.Status, ntstatus.Success)
	want(t, "write", send(c, s.client, []byte("ab")), ntstatus.Success)
	s.As(s.client, otherUser, winnt.SecurityImpersonation)
	want(t, "write", send(c, s.client, []byte("cd")), ntstatus.Success)
	s.client.RevertToSelf()
	s.As(s.second, otherUser, winnt.SecurityIdentification)
	want(t, "write", send(c, s.second, []byte("ef")), ntstatus.Success)
	want(t, "write", send(c, s.client, nil), ntstatus.Success)
	want(t, "the other way", send(e, s.client, []byte("xyz")), ntstatus.Success)
	read := func(x *npfs.End, n int, data string) {
		t.Helper()
		s.wantRead(x, n, data, ntstatus.Success)
	}
	read(c, 2, "xy") // a read by the client does not change the impersonated client
	want(t, "nothing read", e.Impersonate(s.server).Status, ntstatus.CannotImpersonate)
	read(e, 1, "a")
	s.impersonate("a part", e, clientUser, winnt.SecurityImpersonation)
	s.impersonate("again", e, clientUser, winnt.SecurityImpersonation)
	read(e, 2, "bc")
	s.impersonate("parts of two", e, otherUser, winnt.SecurityImpersonation)
	read(c, 1, "z")
	read(e, 1, "d")
	s.impersonate("the rest", e, otherUser, winnt.SecurityImpersonation)
	read(e, 1, "e")
	out = e.Impersonate(s.server)
	check.That(t, out.Status == ntstatus.BadImpersonationLevel && out.Rule == "I-80",
		"impersonating a client whose capture failed: %+v, want %v by rule I-80", out, ntstatus.BadImpersonationLevel)
	read(e, 1, "f")
	want(t, "the rest of it", e.Impersonate(s.server).Status, ntstatus.BadImpersonationLevel)
	read(e, 1, "")
	s.impersonate("an empty message", e, clientUser, winnt.SecurityImpersonation)
	closeAll(c)
	s.impersonate("after it is gone", e, clientUser, winnt.SecurityImpersonation)
	closeAll(e)
}

// TestStaticTrackingKeepsConnectedClient checks that the client that connected counts, not the writer. A client whose
// requested level is not allowed is rejected, and the instance is free for another one (I-4, I-80).
func TestStaticTrackingKeepsConnectedClient(t *testing.T) {
	s := newSite(t)
	e := s.newServerEnd(npfs.Config{})
	s.As(s.client, otherUser, winnt.SecurityIdentification)
	opened := false
	out := s.connectWith(&static, func(*npfs.End) ntstatus.Status { opened = true; return 0 })
	check.That(t, out.Status == ntstatus.BadImpersonationLevel && out.Rule == "I-80" && !opened,
		"refused client: %+v, opened %v, want %v by rule I-80, not opened", out, opened, ntstatus.BadImpersonationLevel)
	want(t, "the server still listens", e.Listen(), ntstatus.PipeListening)
	s.client.RevertToSelf()
	s.As(s.client, otherUser, winnt.SecurityImpersonation)
	q := static
	q.ImpersonationLevel = winnt.SecurityIdentification
	c, out := s.connect(&q)
	want(t, "connect", out.Status, ntstatus.Success)
	q.ImpersonationLevel, q.ContextTrackingMode = winnt.SecurityDelegation, winnt.SECURITY_DYNAMIC_TRACKING
	s.client.RevertToSelf()
	want(t, "write", send(c, s.client, []byte("a")), ntstatus.Success)
	want(t, "nothing read", e.Impersonate(s.server).Status, ntstatus.CannotImpersonate)
	s.wantRead(e, 1, "a", ntstatus.Success)
	s.impersonate("static", e, otherUser, winnt.SecurityIdentification)
	// The next client has its own tracking mode.
	want(t, "disconnect", e.Disconnect(), ntstatus.Success)
	want(t, "listen", e.Listen(), ntstatus.PipeListening)
	n := s.connected()
	want(t, "write", send(n, s.second, []byte("b")), ntstatus.Success)
	want(t, "nothing read of the next", e.Impersonate(s.server).Status, ntstatus.CannotImpersonate)
	s.wantRead(e, 1, "b", ntstatus.Success)
	s.impersonate("the next", e, clientUser, winnt.SecurityImpersonation)
	want(t, "disconnect", e.Disconnect(), ntstatus.Success)
	want(t, "listen", e.Listen(), ntstatus.PipeListening)
	last, out := s.connect(&static)
	want(t, "connect", out.Status, ntstatus.Success)
	want(t, "nothing read of the last", e.Impersonate(s.server).Status, ntstatus.CannotImpersonate)
	closeAll(c, n, last, e)
}

// Without a quality of service a client is impersonated dynamically, at SecurityImpersonation, with enabled groups
// and privileges only (I-84).
func TestClientIsImpersonatedByDefaultQuality(t *testing.T) {
	check.Equal(t, npfs.DefaultSQOS, nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
		ContextTrackingMode: true, EffectiveOnly: true}, "default quality of service")
	s := newSite(t)
	e, c := s.pair(npfs.Config{})
	s.As(s.client, otherUser, winnt.SecurityDelegation)
	want(t, "write", send(c, s.client, []byte("a")), ntstatus.Success)
	s.wantRead(e, 1, "a", ntstatus.Success)
	want(t, "impersonate", e.Impersonate(s.server).Status, ntstatus.Success)
	imp := s.server.Impersonation(ob.TagCall)
	check.That(t, imp != nil && imp.Level == winnt.SecurityImpersonation && imp.EffectiveOnly && imp.CopyOnOpen &&
		imp.Token.Value().User().SID.String() == otherUser,
		"impersonation with the defaults = %+v, want the other user at SecurityImpersonation", imp)
	imp.Token.Deref(ob.TagCall)
	closeAll(c, e)
}

// The context of a message is released when another message is read after it, or when it is refused, cancelled or
// removed with its client.
func TestContextsAreReleased(t *testing.T) {
	s := newSite(t)
	e := s.newServerEnd(npfs.Config{Message: true, ReadMessages: true, Inbound: 2})
	c, out := s.connect(&dynamic)
	want(t, "connect", out.Status, ntstatus.Success)
	tok := s.client.Process().ReferenceToken(ob.TagCall)
	defer tok.Deref(ob.TagCall)
	before := tok.PointerCount()
	kept := func(what string, n int64) {
		t.Helper()
		check.Equal(t, tok.PointerCount()-before, n, "%s: more references to the token", what)
	}
	want(t, "write", send(c, s.client, []byte("a")), ntstatus.Success)
	kept("written", 1)
	want(t, "write", send(c, s.client, []byte("b")), ntstatus.Success)
	kept("two", 2)
	want(t, "no room", send(c, s.client, []byte("c")), ntstatus.PipeBusy)
	kept("a refused one", 2)
	r := &npfs.Request{End: c, Op: npfs.OpWrite, Thread: s.client, Data: []byte("d"), Finish: func(npfs.Result) {}}
	want(t, "wait", r.Start().Status, ntstatus.Pending)
	kept("one that waits", 3)
	r.Cancel()
	kept("cancelled", 2)
	s.wantRead(e, 1, "a", ntstatus.Success)
	kept("the last one read and one not", 2)
	s.wantRead(e, 1, "b", ntstatus.Success)
	kept("the last one read", 1)
	want(t, "impersonate", e.Impersonate(s.server).Status, ntstatus.Success)
	kept("impersonated", 2)
	s.server.RevertToSelf()
	kept("reverted", 1)
	ask := &npfs.Request{End: c, Op: npfs.OpTransceive, Thread: s.client, Data: []byte("e"), Length: 1,
		Finish: func(npfs.Result) {}}
	want(t, "modes", c.SetModes(nt.PipeInformation{ReadMode: 1}), ntstatus.Success)
	want(t, "answer first", send(e, s.server, []byte("x")), ntstatus.Success)
	want(t, "transceive with unread data", ask.Start().Status, ntstatus.PipeBusy)
	kept("not asked", 1)
	want(t, "write", send(c, s.client, []byte("f")), ntstatus.Success)
	kept("one read, one not", 2)
	want(t, "disconnect", e.Disconnect(), ntstatus.Success)
	kept("disconnected", 0)
	want(t, "write by a disconnected client", send(c, s.client, []byte("g")), ntstatus.PipeDisconnected)
	kept("refused", 0)
	want(t, "listen", e.Listen(), ntstatus.PipeListening)
	closeAll(c)
	c, _ = s.connect(&dynamic)
	want(t, "write", send(c, s.client, []byte("h")), ntstatus.Success)
	want(t, "write of the server", send(e, s.client, []byte("i")), ntstatus.Success)
	kept("the server's carries none", 1)
	closeAll(e)
	kept("the server is gone", 0)
	closeAll(c)
}
