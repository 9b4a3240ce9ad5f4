package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/examples/pipes"
	"github.com/refmon/refmon/winnt"
)

// page returns docs/refmond.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/refmond.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPageCommands: every command line of refmond that the page shows is one that
// refmond takes.
func TestPageCommands(t *testing.T) {
	command := regexp.MustCompile(`(?m)^    (?:sudo -u refmond )?refmond (.*?)(?: +#.*)?$`)
	lines := command.FindAllStringSubmatch(page(t), -1)
	if len(lines) < 15 {
		t.Errorf("found %d command lines", len(lines))
	}
	for _, line := range lines {
		args, _, _ := strings.Cut(line[1], " > ")
		parser, err := newParser(&streams{out: io.Discard, err: io.Discard}, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(args)); err != nil {
			t.Errorf("refmond %s: %v", args, err)
		}
	}
}

// TestPageConfigurations: refmond takes the configurations of the page, and with the one
// for servers the programs in examples/pipes answer as the page says.
func TestPageConfigurations(t *testing.T) {
	text, dir := page(t), t.TempDir()
	own := fmt.Sprintf("state: %s\nsocket: %s\nadminSocket: %s\nlog: {level: error}\n", filepath.Join(dir, "state"),
		filepath.Join(dir, "s"), filepath.Join(dir, "a"))
	var servers *config
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		keys := strings.ReplaceAll(block[1], "1000:", fmt.Sprintf("%d:", os.Getuid()))
		cfg, err := load(written(t, filepath.Join(dir, "refmond.yaml"), own+keys))
		if err != nil {
			t.Errorf("%s%v", block[1], err)
		} else if len(cfg.files) > 0 {
			servers = cfg
		}
	}
	if servers == nil {
		t.Fatal("the page has no files to try the examples with")
	}
	said := answers(t, servers)
	for line := range strings.Lines(said) {
		if !strings.Contains(text, "`"+strings.TrimSpace(line)+"`") {
			t.Errorf("the page does not say %q", line)
		}
	}
	if said != "report: STATUS_SUCCESS\npayroll: STATUS_ACCESS_DENIED\n" {
		t.Errorf("the client prints\n%s", said)
	}
}

// answers runs the server and the client of examples/pipes against a daemon, and returns
// what the client prints.
func answers(t *testing.T, cfg *config) string {
	t.Helper()
	s, err := start(cfg, &streams{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(serving(t, s))
	var programs [2]*client.Conn
	for i := range programs {
		if programs[i], err = client.Dial(cfg.Socket); err != nil {
			t.Fatal(err)
		}
		defer programs[i].Close()
	}
	says, out := io.Pipe()
	ended := make(chan struct{})
	defer func() { <-ended }()
	defer programs[0].Close()
	go func() {
		defer close(ended)
		out.CloseWithError(pipes.Serve(programs[0], out))
	}()
	lines := bufio.NewReader(says)
	if line, err := lines.ReadString('\n'); !strings.HasPrefix(line, "listening on ") {
		t.Fatalf("the server said %q, %v", line, err)
	}
	go io.Copy(io.Discard, lines)
	var said strings.Builder
	if err := pipes.Ask(programs[1], winnt.SecurityImpersonation, []string{"report", "payroll"}, &said); err != nil {
		t.Fatal(err)
	}
	return said.String()
}
