package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// demo runs an assistant that obeys every instruction that it reads, for two users, and prints what it can do.
func demo() (err error) {
	dir, err := os.MkdirTemp("", "refmon-agent-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// An interrupt ends demo.sh. The next call then fails, and the folder is removed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	setUp := exec.CommandContext(ctx, "sh", "demo.sh", dir)
	setUp.Cancel = func() error { return setUp.Process.Signal(syscall.SIGTERM) }
	setUp.Stderr = os.Stderr
	out, err := setUp.StdoutPipe()
	if err = errors.Join(err, setUp.Start()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, setUp.Process.Signal(syscall.SIGTERM), setUp.Wait()) }()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return fmt.Errorf("demo.sh: %w", err)
	}
	s, err := config{socket: filepath.Join(dir, "socket"), agent: "agent", tree: "work", folder: "/"}.dial()
	if err != nil {
		return err
	}
	defer s.close()
	web := httptest.NewServer(s.handler())
	defer web.Close()
	if err := errors.Join(assist(web.URL, "alice"), assist(web.URL, "bob")); err != nil {
		return err
	}
	records, err := exec.Command(filepath.Join(dir, "refmon"), "audit", "query", filepath.Join(dir, "state/audit"),
		"event=4656").CombinedOutput()
	fmt.Printf("\nrefmon audit query:\n%s", records)
	return err
}

// assist calls the tools as the assistant of a user. A document in the inbox tells it what to do.
func assist(url, user string) error {
	fmt.Printf("\nThe assistant of %s:\n", user)
	ctx := context.Background()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "assistant"}, nil).Connect(ctx,
		&mcp.StreamableClientTransport{Endpoint: strings.Replace(url, "//", "//"+user+":correct-horse@", 1)}, nil)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // a stateless server keeps nothing
	said := ""
	for _, c := range []struct{ tool, path string }{
		{"list", "inbox"},
		{"read", "inbox/invoice.txt"},
		{"read", "payroll.csv"},
		{"write", "public/copy.csv"}, // as the invoice says
		{"why", "payroll.csv"},
		{"write", "drafts/summary.txt"},
	} {
		in := map[string]any{"path": c.path}
		if c.tool == "write" {
			in["text"] = said // what it read last
		} else if c.tool == "why" {
			in["write"] = true
		}
		out, err := session.CallTool(ctx, &mcp.CallToolParams{Name: c.tool, Arguments: in})
		if err != nil {
			return err
		}
		said = strings.TrimSpace(out.Content[0].(*mcp.TextContent).Text)
		fmt.Printf("  %-5s %-18s %s\n", c.tool, c.path, strings.ReplaceAll(said, "\n", "; "))
	}
	return nil
}
