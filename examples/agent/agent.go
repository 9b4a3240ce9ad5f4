// Command agent serves the files of one folder to AI assistants, with the Model Context Protocol (MCP). The assistant
// acts for a user and can do less than that user: it reads what the user may read, and writes only where a security
// descriptor names the agent. refmond decides each open. docs/agent.md explains it.
//
//	go run . --demo
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/treefs"
	"github.com/refmon/refmon/winnt"
)

// config is the configuration of the server. Each flag says who enforces it: refmond by the token that the assistant's
// calls use, or this program.
type config struct {
	socket, agent, tree, folder, listen string
	denied                              []string
}

// main runs the server, or with -demo the demonstration. It exits with 1 after an error.
func main() {
	c := config{socket: client.Socket()}
	flag.StringVar(&c.agent, "agent", "agent", "account or group; a write needs an entry for it (token)")
	flag.Func("deny-only", "group whose entries only deny; may be repeated (token)", func(group string) error {
		c.denied = append(c.denied, group)
		return nil
	})
	flag.StringVar(&c.tree, "tree", "work", "tree of refmond (server)")
	flag.StringVar(&c.folder, "folder", "/", "folder of the tree; no name leads out of it (server)")
	flag.StringVar(&c.listen, "listen", "127.0.0.1:8440", "loopback address for HTTP; put TLS before it (server)")
	story := flag.Bool("demo", false, "start refmond in a temporary folder and show what the agent may do")
	flag.Parse()
	run := c.serve
	if flag.NArg() != 0 { // package flag would ignore the flags behind it, such as -deny-only
		run = func() error { return fmt.Errorf("unexpected argument %q: flags begin with -", flag.Arg(0)) }
	} else if *story {
		run = demo
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

// serve answers requests until the server fails.
func (c config) serve() error {
	if host, _, _ := net.SplitHostPort(c.listen); !net.ParseIP(host).IsLoopback() {
		return fmt.Errorf("-listen %s: want a loopback address, because requests hold passwords", c.listen)
	}
	s, err := c.dial()
	if err != nil {
		return err
	}
	defer s.close()
	web := &http.Server{Addr: c.listen, Handler: s.handler(), ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	folder := strings.ReplaceAll(strings.TrimPrefix(c.folder, "/"), "/", `\`)
	fmt.Printf("serving \\??\\%s\\%s on http://%s\n", c.tree, folder, c.listen)
	return web.ListenAndServe()
}

// handler serves the tools over HTTP. It keeps no sessions: each request proves its caller. A request without
// credentials gets 401.
func (s *service) handler() http.Handler {
	tools := mcp.NewServer(&mcp.Implementation{Name: "refmon-agent", Version: "0.1.0"}, nil)
	s.addTools(tools)
	web := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return tools },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxRequest})
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := credential(r.Header); err != nil {
			w.Header()["Www-Authenticate"] = []string{"Negotiate", `Basic realm="refmon", charset="UTF-8"`}
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		// refmond counts failed logons by the address that the caller has, not by one that the caller claims.
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		r.Header.Set(origin, host)
		web.ServeHTTP(w, r)
	}))
}

// origin is the header with the address of the caller, which handler sets.
const origin = "Refmon-Agent-Origin"

// maxText is the size of the largest file that the tools read and write, in bytes.
const maxText = 1 << 20

// maxRequest is the size limit of a request. JSON writes a control character as six bytes, such as \u0001.
const maxRequest = 6*maxText + 64<<10

// service has the tools and the connection to refmond. Create it with config.dial.
type service struct {
	config
	agent  []sid.SID // the only restricting SID
	denied []sid.SID // groups that become deny-only

	mu   sync.Mutex
	conn *client.Conn // guarded by mu; a lost one is replaced by the next call
}

// newThread returns a thread for one call. If the connection is lost, because refmond was restarted, it connects again.
func (s *service) newThread() (*nt.Thread, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn.Err() != nil {
		next, err := client.Dial(s.socket)
		if err != nil {
			return nil, err
		}
		s.conn = next
	}
	return s.conn.NewThread()
}

// close ends the connection.
func (s *service) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conn.Close() // it returns nil
}

// dial connects to refmond and looks up the accounts of the configuration. It fails for an unknown account.
func (c config) dial() (*service, error) {
	conn, err := client.Dial(c.socket)
	if err != nil {
		return nil, err
	}
	sids, err := lookUp(conn.Thread(), append([]string{c.agent}, c.denied...)...)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &service{config: c, conn: conn, agent: sids[:1], denied: sids[1:]}, nil
}

// lookUp returns the SIDs of accounts. An unknown name is an error.
func lookUp(th *nt.Thread, names ...string) ([]sid.SID, error) {
	policy, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	if st != ntstatus.Success {
		return nil, st.Err()
	}
	defer th.LsaClose(policy)
	out, st := th.LsaLookupNames2(policy, names...)
	var list []sid.SID
	for i, s := range out.SIDs {
		if s.SID == (sid.SID{}) {
			return nil, fmt.Errorf("refmond knows no account %q", names[i])
		}
		list = append(list, s.SID)
	}
	return list, st.Err()
}

// credential returns the credential in the headers of a request. It fails if there is none.
func credential(h http.Header) (in nt.LogonInformation, err error) {
	if kind, ticket, _ := strings.Cut(h.Get("Authorization"), " "); strings.EqualFold(kind, "Negotiate") {
		return nt.LogonInformation{MessageType: nt.TokenLogon, ClientToken: logon.Secret(ticket)}, nil
	}
	name, password, ok := (&http.Request{Header: h}).BasicAuth()
	if !ok {
		return in, errors.New("send a password (Basic) or a Kerberos ticket (Negotiate)")
	}
	in = nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: name, Password: logon.Secret(password)}
	if domain, user, found := strings.Cut(name, `\`); found {
		in.LogonDomainName, in.UserName = domain, user
	}
	return in, nil
}

// as calls do with the files of the folder, on a thread that impersonates the caller with a restricted token. It closes
// the thread, the tokens and the files before it returns the error of do.
func (s *service) as(req *mcp.CallToolRequest, do func(*treefs.FS) error) error {
	th, err := s.newThread()
	if err != nil {
		return err
	}
	defer th.Close()
	tok, err := s.logOn(th, req)
	if err != nil {
		return err
	}
	defer th.NtClose(tok)
	return th.As(tok, func() error {
		folder, err := treefs.Explained(th, s.tree).OpenFile(s.folder, os.O_RDONLY)
		if err != nil {
			return err
		}
		defer folder.Close() //nolint:errcheck // nothing was written to it
		return do(folder.FS())
	})
}

// logOn returns a token of the caller without privileges. Some groups count for deny entries only, and a write also
// needs a right of the agent. The caller closes it.
func (s *service) logOn(th *nt.Thread, req *mcp.CallToolRequest) (winnt.Handle, error) {
	in, err := credential(req.Extra.Header)
	if err != nil {
		return 0, err
	}
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{OriginName: req.Extra.Header.Get(origin),
		LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: in})
	if st != ntstatus.Success {
		return 0, fmt.Errorf("log on at refmond: %w", st.Err())
	}
	defer th.NtClose(out.Token)
	filtered, st := th.NtFilterToken(out.Token, winnt.DISABLE_MAX_PRIVILEGE|winnt.WRITE_RESTRICTED, s.denied, nil, s.agent)
	return filtered, st.Err()
}

// addTools adds the four tools to a server.
func (s *service) addTools(to *mcp.Server) {
	type file struct {
		Path string `json:"path" jsonschema:"name below the folder, with slashes"`
	}
	type contents struct {
		file
		Text string `json:"text" jsonschema:"the new contents, which replace the old ones"`
	}
	type question struct {
		file
		Write bool `json:"write,omitempty" jsonschema:"ask about writing, not reading"`
	}
	add(s, to, "list", "List a folder.", func(files *treefs.FS, in file) (string, error) {
		entries, err := files.ReadDir(in.Path)
		var text strings.Builder
		for _, e := range entries {
			text.WriteString(fs.FormatDirEntry(e) + "\n")
		}
		return text.String(), err
	})
	add(s, to, "read", "Read a text file.", func(files *treefs.FS, in file) (string, error) {
		f, err := files.OpenFile(in.Path, os.O_RDONLY)
		if err != nil {
			return "", err
		}
		defer f.Close() //nolint:errcheck // nothing was written
		b, err := io.ReadAll(io.LimitReader(f, maxText+1))
		if err == nil && (len(b) > maxText || !utf8.Valid(b)) {
			err = fmt.Errorf("%s: want a text in UTF-8 of at most %d bytes", in.Path, maxText)
		}
		return string(b), err
	})
	add(s, to, "write", "Write a text file.", func(files *treefs.FS, in contents) (string, error) {
		if len(in.Text) > maxText {
			return "", fmt.Errorf("%s: want a text of at most %d bytes", in.Path, maxText)
		}
		f, err := files.OpenFile(in.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return "", err
		}
		_, err = io.WriteString(f, in.Text)
		return "written", errors.Join(err, f.Close())
	})
	add(s, to, "why", "Say whether a file can be read or written, and what decides.",
		func(files *treefs.FS, in question) (string, error) {
			f, err := files.OpenFile(in.Path, map[bool]int{false: os.O_RDONLY, true: os.O_WRONLY}[in.Write])
			if errors.Is(err, fs.ErrPermission) {
				return err.Error(), nil
			} else if err != nil {
				return "", err
			}
			return "allowed", f.Close()
		})
}

// add adds a tool that returns a text. A denial becomes an error of the tool, which the assistant can read.
func add[In any](s *service, to *mcp.Server, name, says string, do func(*treefs.FS, In) (string, error)) {
	mcp.AddTool(to, &mcp.Tool{Name: name, Description: says},
		func(_ context.Context, req *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
			var text string
			err := s.as(req, func(files *treefs.FS) (err error) {
				text, err = do(files, in)
				return err
			})
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, err
		})
}
