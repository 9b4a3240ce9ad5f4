// Package davcases runs requests with known answers against WebDAV servers. It is for tests only.
package davcases

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Case is a request with its set-up, its status and its effects.
type Case struct {
	name    string // its number and its sentence
	setup   []string
	step    string
	effects []string
	Want    int
	Apache  int // Want, unless Apache differs
}

// Read returns the cases of a file. It ends the test if the file is malformed.
func Read(t *testing.T, file string) (list []Case) {
	t.Helper()
	text, err := os.ReadFile(file)
	check.NoError(t, err)
	for block := range strings.SplitSeq(string(text), "\n\n") {
		var c Case
		for line := range strings.Lines(block) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "case "):
				c.name = line[len("case "):]
			case strings.HasPrefix(line, "> "):
				c.step = line[2:]
			case strings.HasPrefix(line, "= "):
				_, err = fmt.Sscanf(strings.Replace(line, " apache", "", 1)+" 0", "= %d %d", &c.Want, &c.Apache)
			case strings.HasPrefix(line, "  ") && c.Want == 0:
				c.setup = append(c.setup, line[2:])
			case strings.HasPrefix(line, "  "):
				c.effects = append(c.effects, line[2:])
			}
			check.RequireThat(t, err == nil, "%q: %v", line, err)
		}
		if c.Apache == 0 {
			c.Apache = c.Want
		}
		if c.name != "" {
			list = append(list, c)
		}
	}
	return list
}

// LockXML requests an exclusive lock.
const LockXML = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype>` +
	`<D:write/></D:locktype></D:lockinfo>`

// PropertyXML sets a property.
const PropertyXML = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="urn:a">1</a></D:prop></D:set>` +
	`</D:propertyupdate>`

// Site is a WebDAV server that runs one case.
type Site struct {
	*testing.T
	Base   string // the URL of the case's folder
	Client *http.Client
	// Contents returns a file of the folder. nil: effects are not compared.
	Contents func(name string) ([]byte, error)
	tokens   []string
}

// bodies are the request bodies that cases name.
var bodies = map[string]string{"exclusive": LockXML, "shared": strings.Replace(LockXML, "exclusive", "shared", 1),
	"patch": PropertyXML}

// Ask performs a step, such as "alice PUT /f If: ([$tag]) < new", and returns the status and the body of the response.
func (s *Site) Ask(step string) (code int, answer string) {
	s.Helper()
	step, body, _ := strings.Cut(step, " < ")
	if b, named := bodies[body]; named {
		body = b
	}
	who, rest, _ := strings.Cut(step, " ")
	method, rest, _ := strings.Cut(rest, " ")
	path, headers, _ := strings.Cut(rest, " ")
	r, err := http.NewRequestWithContext(s.Context(), method, s.Base+path, strings.NewReader(body))
	s.must(err)
	r.SetBasicAuth(who, "pw-x")
	for header := range strings.SplitSeq(headers, "; ") {
		if name, value, ok := strings.Cut(header, ": "); ok {
			r.Header.Add(name, s.expand(value, path))
		}
	}
	got, err := s.Client.Do(r)
	s.must(err)
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	s.must(err)
	if token := got.Header.Get("Lock-Token"); token != "" {
		s.tokens = append(s.tokens, token)
	}
	return got.StatusCode, string(b)
}

// expand replaces the variables of a header.
func (s *Site) expand(value, path string) string {
	s.Helper()
	value = strings.ReplaceAll(value, "$base", s.Base)
	value = strings.ReplaceAll(value, "$old", "Mon, 01 Jan 2001 00:00:00 GMT")
	for i, token := range s.tokens {
		value = strings.ReplaceAll(value, fmt.Sprint("$", i+1), token)
	}
	if strings.Contains(value, "$tag") || strings.Contains(value, "$date") {
		r, err := http.NewRequestWithContext(s.Context(), http.MethodHead, s.Base+path, nil)
		s.must(err)
		r.SetBasicAuth("alice", "pw-x")
		got, err := s.Client.Do(r)
		s.must(err)
		s.must(got.Body.Close())
		value = strings.ReplaceAll(value, "$tag", got.Header.Get("Etag"))
		value = strings.ReplaceAll(value, "$date", got.Header.Get("Last-Modified"))
	}
	return value
}

func (s *Site) must(err error) {
	s.Helper()
	check.NoError(s, err)
}

// Run runs a case and compares its status with want, and its effects.
func (s *Site) Run(c *Case, want int) {
	s.Helper()
	for _, step := range c.setup {
		if code, answer := s.Ask(step); code/100 != 2 || code == http.StatusMultiStatus {
			if code != want || want == c.Want {
				s.Errorf("%s: set-up %q: %d, want %d\n%s", c.name, step, code, want, answer)
			}
			return
		}
	}
	code, answer := s.Ask(c.step)
	if code != want {
		s.Errorf("%s: %q: %d, want %d\n%s", c.name, c.step, code, want, answer)
	}
	if s.Contents == nil {
		return
	}
	for _, effect := range c.effects {
		what, rest, _ := strings.Cut(effect, " ")
		name, value, _ := strings.Cut(rest, " ")
		content, err := s.Contents(name)
		switch what {
		case "has":
			if err != nil || string(content) != value {
				s.Errorf("%s: %s has %q, %v, want %q", c.name, name, content, err, value)
			}
		case "gone":
			if !errors.Is(err, fs.ErrNotExist) {
				s.Errorf("%s: %s has %q, %v, want no such file", c.name, name, content, err)
			}
		case "body":
			status := regexp.MustCompile(regexp.QuoteMeta(name) + `/?</[a-zA-Z]*:?href>\s*<[a-zA-Z]*:?status>HTTP/1.1 ` + value)
			if !status.MatchString(answer) {
				s.Errorf("%s: the answer does not give %s the status %s:\n%s", c.name, name, value, answer)
			}
		default:
			s.Fatalf("%s: %q is not an effect", c.name, effect)
		}
	}
}
