package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNatsCommandShowsLag asks the nats command for the consumers of workers and followers, as docs/search.md says.
func TestNatsCommandShowsLag(t *testing.T) {
	nats, err := exec.LookPath("nats")
	if err != nil {
		t.Skip("no command nats here: go install github.com/nats-io/natscli/nats@latest")
	}
	t.Parallel() // it waits most of its time
	c := newCluster(t)
	c.settle()
	etc := filepath.Join(c.folder, "server0", "etc")
	config, err := os.ReadFile(filepath.Join(etc, "broker.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(string(config), "\nlisten: \"")
	address, _, _ = strings.Cut(address, "\"")
	for stream, want := range map[string]string{"SEEN": "rows_files1_", "CLASS": "people_0", "ROWS": " main ",
		"PEOPLE": " main "} {
		cmd := exec.CommandContext(t.Context(), nats, "--server", "tls://"+address, "--tlsca", filepath.Join(etc, "ca.pem"),
			"--nkey", filepath.Join(etc, "keeper.seed"), "--inbox-prefix", "_INBOX.keeper", "consumer", "report", stream)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Unprocessed") || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want the consumer %q\n%s", stream, err, want, out)
		}
	}
}
