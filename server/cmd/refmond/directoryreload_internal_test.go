package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/ldap"
)

// TestLogonQueriesDirectoryThatIsBeingClosed checks that a logon's query of ids does not wait for a directory that is
// being closed, which waits for the logon (D-33).
func TestLogonQueriesDirectoryThatIsBeingClosed(t *testing.T) {
	u := &directoryUse{}
	u.mu.RLock() // as a logon does
	closed, asked := make(chan error, 1), make(chan bool, 1)
	go func() { closed <- u.close() }()
	for u.mu.TryRLock() { // until close waits
		u.mu.RUnlock()
		runtime.Gosched()
	}
	go func() {
		ok, _ := u.ask(func(*ldap.Directory) error { return nil })
		asked <- ok
	}()
	select {
	case ok := <-asked:
		check.That(t, !ok, "the directory that is being closed answered a query")
	case <-time.After(5 * time.Second):
		t.Error("the query of a logon waits for the directory, which waits for the logon")
	}
	u.mu.RUnlock()
	check.NoError(t, <-closed)
}
