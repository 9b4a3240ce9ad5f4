package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/server/gateway"
)

// TestEachSetting: each key of a configuration, all of them other than what is shipped and than each other, reaches
// what it is for; a key that is not given is as it is shipped.
func TestEachSetting(t *testing.T) {
	print := strings.Repeat("ab", 32)
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`socket: /run/other.sock
owner: 61010
files: 127.0.0.1:1001
console: 127.0.0.1:1002
names: [files.test]
trees: [projects, share]
state: /var/lib/other
negotiate: true
certificates: {` + print + `: alice}
limits: {sessions: 11, sessionLife: 12, threads: 13, connections: 14, largestUpload: 15}
log: {level: warn}
`)
	c, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := config{level: slog.LevelWarn, life: 12 * time.Second, settings: settings{Socket: "/run/other.sock",
		Owner: 61010, Files: "127.0.0.1:1001", Console: "127.0.0.1:1002", Names: []string{"files.test"},
		Trees: []string{"projects", "share"}, State: "/var/lib/other", Negotiate: true,
		Certificates: map[string]string{print: "alice"}}}
	want.Limits.Sessions, want.Limits.SessionLife, want.Limits.Threads, want.Limits.Connections = 11, 12, 13, 14
	want.Limits.LargestUpload, want.Log.Level = 15, "warn"
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("read is %+v, want %+v", *c, want)
	}
	log, leaf := slog.New(slog.DiscardHandler), &x509.Certificate{Raw: []byte("leaf")}
	sum := sha256.Sum256(leaf.Raw)
	got := c.gateway(&tls.Certificate{Leaf: leaf}, log)
	if got.Dial == nil {
		t.Error("the gateway dials no one")
	} else if conn, err := got.Dial(); err == nil || !strings.Contains(err.Error(), "/run/other.sock") {
		t.Errorf("it dials %v, %v", conn, err)
	}
	got.Dial = nil
	if want := (gateway.Config{Trees: want.Trees, Names: want.Names, Negotiate: true, Certificates: want.Certificates,
		Channel:  base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "tls-server-end-point:%s", sum)),
		Sessions: 11, SessionLife: 12 * time.Second, Threads: 13, LargestUpload: 15,
		Log: log}); !reflect.DeepEqual(got, want) {
		t.Errorf("the gateway is told\n%+v, want\n%+v", got, want)
	}
	plain, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	write("trees: [share]\n")
	if c, err = load(file); err != nil {
		t.Fatal(err)
	}
	if plain.Trees = []string{"share"}; !reflect.DeepEqual(*c, *plain) {
		t.Errorf("with one key it is %+v, want %+v", *c, *plain)
	}
}
