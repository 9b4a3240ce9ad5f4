package nt_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestPipeServerActsAsItsClient runs a server that reads a request, impersonates its client to serve it, and reverts
// (I-76, I-85).
func TestPipeServerActsAsItsClient(t *testing.T) {
	sys, server, client := pipePair(t)
	check.NoError(t, sys.CreateFile("report", sddl.MustParse("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-513)")))
	l := check.Must(server.ListenPipe("orders", everyone))
	defer l.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		c, err := l.AcceptPipe()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err := c.ImpersonateClient(server); !errors.Is(err, ntstatus.CannotImpersonate.Err()) {
			t.Errorf("before a read: %v, want STATUS_CANNOT_IMPERSONATE (I-85)", err)
		}
		buf := make([]byte, 64)
		n, err := c.Read(buf)
		if err != nil {
			t.Error(err)
			return
		}
		revert, err := c.ImpersonateClient(server)
		if err != nil {
			t.Error(err)
			return
		}
		tok, _, effective, _ := sys.KernelMode(server).PsReferenceImpersonationToken(sys.ThreadObject(server))
		sys.KernelMode(server).PsDereferenceImpersonationToken(tok)
		check.That(t, effective, "the server may use disabled privileges of the client, want it not to")
		h, st := server.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: string(buf[:n])}, 0, 0)
		revert()
		revert() // idempotent
		if st.IsSuccess() {
			server.NtClose(h)
		}
		check.That(t, !sys.ThreadObject(server).IsImpersonating(), "the thread still impersonates after revert")
		fmt.Fprint(c, st)
	})
	quality := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation, EffectiveOnly: true}
	c := check.Must(client.DialPipe("orders", quality))
	fmt.Fprint(c, "report")
	got, err := io.ReadAll(c)
	check.That(t, err == nil && string(got) == "STATUS_SUCCESS",
		`answer %q, %v, want "STATUS_SUCCESS", no error`, got, err)
	c.Close()
	wg.Wait()
}

// A server grants its clients no right to serve its pipe, and fails if another one has the name (I-164).
func TestPipeBelongsToItsServer(t *testing.T) {
	_, server, client := pipePair(t)
	own := nt.PipeConfig{SecurityDescriptor: sddl.MustParse("D:(A;;0x12019b;;;WD)(A;;FA;;;OW)")}
	l := check.Must(server.ListenPipe("orders", own))
	defer l.Close()
	for range 2 { // The second client has an instance that Accept created
		c := check.Must(client.DialPipe("orders", nil))
		defer check.Must(l.AcceptPipe()).Close()
		defer c.Close()
	}
	_, st := client.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\orders`})})
	check.Equal(t, st, ntstatus.AccessDenied, "a client creates an instance")

	first := check.Must(client.ListenPipe("taken", nt.PipeConfig{SecurityDescriptor: sddl.MustParse("D:(A;;FA;;;WD)")}))
	defer first.Close()
	check.ErrorIs(t, check.Err(server.ListenPipe("taken", own)), ntstatus.AccessDenied.Err(), "pipe of another server")
}

// TestPipeCloseReleasesThreadsAndHandles checks that a listener and both ends of a connection release their threads,
// handles and names when they are closed.
func TestPipeCloseReleasesThreadsAndHandles(t *testing.T) {
	sys, server, client := pipePair(t)
	before := countsOf(sys)
	l := check.Must(server.ListenPipe("back", everyone))
	c := check.Must(client.DialPipe("back", nil))
	s := check.Must(l.Accept())
	for _, close := range []func() error{c.Close, s.Close, l.Close} {
		check.NoError(t, close())
	}
	check.ErrorIs(t, c.Close(), net.ErrClosed, "closed twice")
	check.Equal(t, countsOf(sys), before, "objects, handles and references at the end")
}

// TestPipeServesClientsUnderOwnIdentity checks that every client is served under its own identity, whatever the others
// do.
func TestPipeServesClientsUnderOwnIdentity(t *testing.T) {
	sys, server, _ := pipePair(t)
	l := check.Must(server.ListenPipe("many", everyone))
	const clients = 16
	var wg sync.WaitGroup
	for i := range clients {
		user := fmt.Sprintf("S-1-5-21-1-2-3-%d", 2000+i)
		tok, err := token.Parse(fmt.Appendf(nil, `{"user":%q,"groups":["WD"]}`, user))
		check.NoError(t, err)
		p := check.Must(sys.NewProcess("c", tok))
		th := check.Must(p.NewThread())
		wg.Go(func() {
			var c *nt.PipeConn
			for {
				c, err = th.DialPipe("many",
					&nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation})
				if err == nil {
					break
				}
				if !errors.Is(err, ntstatus.PipeNotAvailable.Err()) {
					t.Error(err)
					return
				}
				time.Sleep(time.Millisecond)
			}
			defer c.Close()
			fmt.Fprint(c, user)
			if got, err := io.ReadAll(c); err != nil || string(got) != user {
				t.Errorf("%s was served as %q, %v, want %q, no error", user, got, err, user)
			}
		})
	}
	for range clients {
		s := check.Must(l.AcceptPipe())
		wg.Go(func() {
			defer s.Close()
			buf := make([]byte, 64)
			if _, err := s.Read(buf); err != nil {
				t.Error(err)
				return
			}
			th, err := sys.Spawn(server)
			if err != nil {
				t.Error(err)
				return
			}
			revert, err := s.ImpersonateClient(th)
			if err != nil {
				t.Error(err)
				return
			}
			defer revert()
			g, st := th.NtQueryInformationToken(winnt.NtCurrentThreadToken, winnt.TokenUser)
			if !st.IsSuccess() {
				t.Error(st)
				return
			}
			fmt.Fprint(s, g.(token.Group).SID)
		})
	}
	wg.Wait()
	l.Close()
}

// At the limit of instances an Accept waits until a connection is closed, or the listener. Without a connection that it
// could wait for, it fails.
func TestAcceptWaitsAtLimitOfInstances(t *testing.T) {
	_, server, client := pipePair(t)
	cfg := everyone
	cfg.Instances = 1
	synctest.Test(t, func(t *testing.T) {
		l := check.Must(server.ListenPipe("one", cfg))
		var accepted net.Conn
		failed := make(chan error, 1)
		accept := func() {
			c, err := l.Accept()
			accepted = c
			failed <- err
		}
		for range 2 {
			go accept()
			synctest.Wait() // there is an instance
			check.NoError(t, check.Must(client.DialPipe("one", nil)).Close())
			check.NoError(t, <-failed)
			served := accepted
			go accept()
			synctest.Wait()
			check.RequireThat(t, len(failed) == 0, "an Accept at the limit has ended, want it to wait")
			check.NoError(t, served.Close())
			synctest.Wait() // there is an instance
			check.NoError(t, check.Must(client.DialPipe("one", nil)).Close())
			check.NoError(t, <-failed)
			check.NoError(t, accepted.Close())
			check.ErrorIs(t, accepted.Close(), net.ErrClosed, "a second Close, which frees nothing")
		}
		go accept()
		synctest.Wait()
		check.NoError(t, check.Must(client.DialPipe("one", nil)).Close())
		check.NoError(t, <-failed)
		served := accepted
		go accept()
		synctest.Wait()
		check.NoError(t, l.Close())
		check.ErrorIs(t, <-failed, net.ErrClosed, "an Accept when the listener is closed")
		check.NoError(t, served.Close())
	})
	l := check.Must(server.ListenPipe("other", cfg))
	defer l.Close()
	c := check.Must(client.DialPipe("other", nil))
	defer c.Close() // the pipe exists until then
	check.NoError(t, check.Must(l.AcceptPipe()).Close())
	check.Result(server.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ,
		MaximumInstances: 1, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\other`})}))
	check.ErrorIs(t, check.Err(l.AcceptPipe()), ntstatus.InstanceNotAvailable.Err(), "the other instance is not its own")
}

// TestFailedListenerLeavesNoThread checks that a listener whose creation failed leaves no thread, and that a closed
// listener accepts no connection. Accept then returns a nil net.Conn.
func TestFailedListenerLeavesNoThread(t *testing.T) {
	_, server, _ := pipePair(t)
	threads := func() (n int) {
		var h winnt.Handle
		for {
			next, st := server.NtGetNextThread(winnt.NtCurrentProcess, h, winnt.THREAD_QUERY_LIMITED_INFORMATION, 0, 0)
			if h != 0 {
				server.NtClose(h)
			}
			if st != ntstatus.Success {
				return n
			}
			h, n = next, n+1
		}
	}
	before := threads()
	check.RequireThat(t, check.Err(server.ListenPipe(`a\\b\`, nt.PipeConfig{Instances: -1})) != nil,
		"ListenPipe with Instances -1: no error, want one")
	if after := threads(); before == 0 || after != before {
		t.Errorf("%d threads before a listen that failed, %d after it, want at least 1, %d", before, after, before)
	}
	l := check.Must(server.ListenPipe("closed", everyone))
	l.Close()
	if c, err := l.Accept(); c != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener accepts %v, %v, want nil, %v", c, err, net.ErrClosed)
	}
}
