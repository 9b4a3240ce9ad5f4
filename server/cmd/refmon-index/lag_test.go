package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/broker"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestLagFailsWithoutStreams checks that lag prints no table, but an error, if no keeper has created the streams.
func TestLagFailsWithoutStreams(t *testing.T) {
	c := &cluster{t: t, folder: t.TempDir()}
	net, last := loopback()
	address := fmt.Sprintf("%s.%d", net, last)
	c.install("traverse: never\ndirectory: /srv/firm.yaml\nmachines:\n" +
		"  mq1: {runs: [broker], address: " + address + c.folders("mq1") + "\n" +
		"  files1: {runs: [watch, directory, work, follow], trees: [/srv/docs]" + c.folders("files1") + "\n")
	etc := filepath.Join(c.folder, "mq1", "etc")
	b, err := broker.Start(check.Must(site.Load(etc)), broker.Options{Name: "mq1", Listen: address + ":4222",
		TLS: check.Must(site.ServerTLS(etc)), Store: t.TempDir()})
	check.NoError(t, err)
	defer b.Close()
	var table, failed bytes.Buffer
	code := run([]string{"lag", "--site", etc}, &streams{out: &table, err: &failed})
	check.That(t, code == exitFailed && table.Len() == 0 && strings.Contains(failed.String(), "SEEN"),
		"exit code %d, table %q, error %q, want %d, none and the first stream", code, &table, &failed, exitFailed)
}
