package auditlog

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// TestSignerDoesNotWaitForOtherPrograms checks that a signature is accepted although a program that the signer started
// still runs and holds the signer's output open (U-71).
func TestSignerDoesNotWaitForOtherPrograms(t *testing.T) {
	key := filepath.Join(t.TempDir(), "a")
	testcheck.NoError(t, testcheck.Err(CreateKey(key, "host.example/audit")))
	fifo := key + ".fifo"
	testcheck.NoError(t, unix.Mkfifo(fifo, 0o600))
	other := testcheck.Must(os.OpenFile(fifo, os.O_RDWR, 0)) // the other program runs until this is closed
	var waited atomic.Bool
	timer := time.AfterFunc(signTimeout/2, func() { waited.Store(true); _ = other.Close() })
	public := strings.TrimSpace(string(testcheck.Must(os.ReadFile(key + ".pub"))))
	s := testcheck.Must(CommandSigner(public, "sh", "-c", `cat "$0" & exec "$1"`, fifo, os.Args[0]))
	t.Setenv(signing, key)
	testcheck.NoError(t, testcheck.Err(s.Sign([]byte("text"))))
	timer.Stop()
	testcheck.That(t, !waited.Load(), "the signer waited for a program that it did not start")
	_ = other.Close()
}
