package people

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/refmon/refmon/sid"
)

// The directory file, as YAML or JSON.
type (
	directoryFile struct {
		Domain string      `json:"domain" yaml:"domain"`
		Users  []userFile  `json:"users" yaml:"users"`
		Groups []groupFile `json:"groups" yaml:"groups"`
	}
	userFile struct {
		Name     string   `json:"name" yaml:"name"`
		SID      string   `json:"sid" yaml:"sid"`
		MemberOf []string `json:"memberOf" yaml:"memberOf"`
		Claims   any      `json:"claims" yaml:"claims"`
		Disabled bool     `json:"disabled" yaml:"disabled"`
	}
	groupFile struct {
		Name     string   `json:"name" yaml:"name"`
		SID      string   `json:"sid" yaml:"sid"`
		MemberOf []string `json:"memberOf" yaml:"memberOf"`
	}
)

// Read reads a directory file: domain, users and groups, as YAML,
// JSON or CSV (see readCSV). A field that does not exist, an unknown group and a name that is there
// twice are errors that name it. Disabled users are left out: they cannot log
// on.
func Read(file []byte) (*Directory, error) {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	var f directoryFile
	var err error
	if text := bytes.TrimLeft(file, " \t\r\n"); len(text) > 0 && text[0] == '{' {
		d := json.NewDecoder(bytes.NewReader(file))
		d.DisallowUnknownFields()
		d.UseNumber()
		if err = d.Decode(&f); err == nil {
			if _, more := d.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("something follows the object")
			}
		}
	} else if head := csvHead(file); head != nil {
		err = readCSV(file, head, &f)
	} else {
		err = readYAML(file, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("directory: %s", strings.TrimSpace(err.Error()))
	}
	return newDirectory(&f)
}

// readYAML reads YAML. The library panics on some malformed files; that is an
// error of the file like any other.
func readYAML(file []byte, f *directoryFile) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this is no YAML that can be read (%v)", p)
		}
	}()
	return yaml.UnmarshalWithOptions(file, f, yaml.Strict())
}

func newDirectory(f *directoryFile) (*Directory, error) {
	d := &Directory{names: map[sid.SID]string{}}
	if f.Domain != "" {
		var err error
		if d.Domain, err = sid.Resolve(f.Domain, sid.SID{}); err != nil {
			return nil, fmt.Errorf("directory: domain: %w", err)
		}
	}
	r := &roster{dir: d, byName: map[string]int{}, bySID: map[sid.SID]int{}}
	if err := r.addGroups(f.Groups); err != nil {
		return nil, err
	}
	tokens, errs := r.tokens(f.Users)
	seen := make(map[string]bool, len(f.Users))
	for i := range f.Users {
		u := &f.Users[i]
		err := errs[i]
		if u.Name == "" || seen[u.Name] {
			err = errors.New("every user needs a name, and one of its own")
		}
		if err != nil {
			return nil, fmt.Errorf("directory: users[%d] %q: %w", i, u.Name, err)
		}
		seen[u.Name] = true
		t := tokens[i]
		d.names[t.User().SID] = u.Name
		if u.Disabled {
			d.Disabled++
			continue
		}
		d.Principals = append(d.Principals, Principal{u.Name, t})
	}
	return d, nil
}
