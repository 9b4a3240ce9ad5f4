package shares

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config is the section of a share. The zero value lets no one write.
type Config struct {
	Share       string // its name
	Path        string
	Attribute   string   // in which descriptors are kept; "": the default
	IgnorePOSIX bool     // acl_xattr:ignore system acls
	Notes       []string // settings that matter and are not read, for people

	valid, invalid, read, write, admin []string
	writable                           bool
	forceUser, forceGroup              string
}

// Limits of a configuration.
const (
	maxShares   = 1 << 14
	maxSettings = 1 << 16
	maxLine     = 1 << 16 // bytes of a line with those that go on with it
)

// setting is a line of a section: the key in lower case without blanks, the key as written, and the value.
type setting struct{ key, name, value string }

// section is a named section of the file.
type section struct {
	name     string
	settings []setting
}

// ParseConfig returns a share's configuration from smb.conf or the output of testparm -s, with the settings of [global]
// as defaults. The name may be "" if the file has exactly one share; its case does not matter. An unknown share and a
// malformed line are errors. Settings that matter and are not supported are in Notes. The last setting of a key counts.
func ParseConfig(file []byte, name string) (*Config, error) {
	sections, err := parse(string(file))
	if err != nil {
		return nil, err
	}
	var global, share *section
	var names []string
	for _, s := range sections {
		if strings.EqualFold(s.name, "global") {
			global = s
			continue
		}
		names = append(names, s.name)
		if strings.EqualFold(s.name, name) {
			share = s
		}
	}
	switch {
	case share == nil && name == "" && len(names) == 1:
		share = sections[slices.IndexFunc(sections, func(s *section) bool { return s.name == names[0] })]
	case len(names) == 0:
		return nil, fmt.Errorf("share %q: the file has no share: for shares in the registry or in included files, give what "+
			"net conf list or testparm -s prints", name)
	case share == nil:
		return nil, fmt.Errorf("share %q: the file has the shares %s: give FILE:SHARE", name, strings.Join(names, ", "))
	}
	c := &Config{Share: share.name}
	var all []setting
	if global != nil {
		all = append(all, global.settings...)
	}
	own, err := settingsOf(sections, share, 0)
	if err != nil {
		return nil, err
	}
	for _, s := range append(all, own...) {
		if err := c.set(s); err != nil {
			return nil, fmt.Errorf("[%s] %s = %s: %w", share.name, s.name, s.value, err)
		}
	}
	c.noteUnsupported(append(all, own...))
	return c, nil
}

// settingsOf returns the settings of a section. Those of the section that "copy" names take the place of that line. An
// unknown section, and more than 8 copies in a row, are errors. Names match in any case.
func settingsOf(sections []*section, s *section, depth int) ([]setting, error) {
	if depth > 8 {
		return nil, fmt.Errorf("[%s]: copy leads through more than 8 shares", s.name)
	}
	var out []setting
	for _, x := range s.settings {
		if x.key != "copy" {
			out = append(out, x)
			continue
		}
		i := slices.IndexFunc(sections, func(o *section) bool { return strings.EqualFold(o.name, x.value) })
		if i < 0 {
			return nil, fmt.Errorf("[%s] copy = %s: unknown share", s.name, x.value)
		}
		from, err := settingsOf(sections, sections[i], depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, from...)
	}
	return out, nil
}

// parser splits a file into sections.
type parser struct {
	out      []*section
	byName   map[string]*section // by name in lower case
	current  *section
	settings int
}

// parse splits a configuration file into sections. A line that ends with a backslash continues, up to maxLine. A
// repeated section name continues the first section. Errors name the line.
func parse(text string) ([]*section, error) {
	p := parser{byName: map[string]*section{}}
	n, begun := 0, 0
	var whole strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		if whole.Len() == 0 {
			begun = n
		}
		line = strings.TrimRight(line, "\r\n")
		if rest, more := strings.CutSuffix(line, `\`); more && whole.Len() < maxLine {
			whole.WriteString(rest)
			continue
		}
		whole.WriteString(line)
		line = strings.TrimSpace(whole.String())
		whole.Reset()
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", begun, err)
		}
	}
	if whole.Len() > 0 { // the last line ends with a backslash, and no other follows
		if err := p.line(strings.TrimSpace(whole.String())); err != nil {
			return nil, fmt.Errorf("line %d: %w", begun, err)
		}
	}
	return p.out, nil
}

// line adds a section or a setting. Empty lines and comments are skipped. A repeated section name, in any case,
// continues that section. Errors:
//   - a setting before the first section
//   - text after ]
//   - more than maxShares sections or maxSettings settings
//   - any other line
func (p *parser) line(line string) error {
	if line == "" || line[0] == '#' || line[0] == ';' {
		return nil
	}
	if line[0] != '[' {
		key, value, ok := strings.Cut(line, "=")
		if !ok || p.current == nil {
			return errors.New("want a section, or a setting in one")
		}
		if p.settings++; p.settings > maxSettings {
			return fmt.Errorf("more than %d settings", maxSettings)
		}
		p.current.settings = append(p.current.settings, setting{plainKey(key), strings.TrimSpace(key),
			strings.TrimSpace(value)})
		return nil
	}
	name, rest, ok := strings.Cut(line[1:], "]")
	name = strings.TrimSpace(name)
	if !ok || name == "" || strings.TrimSpace(rest) != "" {
		return errors.New("want [name of a share]")
	}
	key := strings.ToLower(name)
	if p.current = p.byName[key]; p.current != nil {
		return nil
	}
	if len(p.out) == maxShares {
		return fmt.Errorf("more than %d shares", maxShares)
	}
	p.current = &section{name: name}
	p.byName[key] = p.current
	p.out = append(p.out, p.current)
	return nil
}

// plainKey returns a key in lower case without blanks, the form in which keys are compared.
func plainKey(key string) string {
	return strings.ToLower(strings.Join(strings.Fields(key), ""))
}

// set applies one setting, in place of an earlier one. It ignores unknown settings. A value that must be yes or no
// and is not is an error; c must not be used then.
func (c *Config) set(s setting) (err error) {
	switch s.key {
	case "path", "directory":
		c.Path = s.value
	case "validusers":
		c.valid = list(s.value)
	case "invalidusers":
		c.invalid = list(s.value)
	case "readlist":
		c.read = list(s.value)
	case "writelist":
		c.write = list(s.value)
	case "adminusers":
		c.admin = list(s.value)
	case "readonly":
		c.writable, err = boolean(s.value)
		c.writable = !c.writable
	case "writeable", "writable", "writeok":
		c.writable, err = boolean(s.value)
	case "forceuser":
		c.forceUser = strings.Trim(s.value, `"`)
	case "forcegroup", "group":
		c.forceGroup = strings.Trim(s.value, `"`)
	case "acl_xattr:ignoresystemacls":
		c.IgnorePOSIX, err = boolean(s.value)
	case "acl_xattr:security_acl_name":
		c.Attribute = s.value
	}
	return err
}

// boolean parses yes, true, on and 1, or no, false, off and 0, in any case. Every other value, "" included, is an
// error.
func boolean(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "yes", "true", "on", "1":
		return true, nil
	case "no", "false", "off", "0":
		return false, nil
	}
	return false, errors.New("want yes or no")
}

// list splits a list of names at commas and blanks outside quotes, and returns the names without their quotes; nil for
// an empty value. A quote without its end runs to the end of the value.
func list(value string) (out []string) {
	quoted, begun := false, false
	var name strings.Builder
	for _, r := range value {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case !quoted && strings.ContainsRune(", \t", r):
			if begun {
				out = append(out, name.String())
			}
			name.Reset()
			begun = false
		default:
			name.WriteRune(r)
			begun = true
		}
	}
	if begun {
		out = append(out, name.String())
	}
	return out
}
