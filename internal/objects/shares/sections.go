package shares

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// Limits of a configuration.
const (
	maxShares   = 1 << 14
	maxSettings = 1 << 16
	maxLine     = 1 << 16 // bytes of a line with those that go on with it
)

// setting is a line of a section: the key in lower case without blanks, the key as written, the value, and the number
// of the line.
type setting struct {
	key, name, value string
	line             int
}

// section is a named section of the file, with its settings by parameter up to the line that was parsed last.
type section struct {
	name      string
	own       map[string]*setting // of lines of the section
	inherited map[string]*setting // of [global] or of a copied section, where own has none; immutable
	failed    error               // of a copy whose source is missing, here or in a copied section; nil: none
}

// settings returns the settings that count for a section, by parameter. The caller owns the map.
func (s *section) settings() map[string]*setting {
	out := make(map[string]*setting, len(s.inherited)+len(s.own))
	maps.Copy(out, s.inherited)
	maps.Copy(out, s.own)
	return out
}

// synonyms maps a key to the parameter that it sets, if that has another name.
var synonyms = map[string]string{"directory": "path", "writeable": "readonly", "writable": "readonly",
	"writeok": "readonly", "group": "forcegroup", "allowhosts": "hostsallow", "denyhosts": "hostsdeny",
	"onlyguest": "guestonly", "public": "guestok", "vfsobject": "vfsobjects"}

// parameter returns the name of the parameter that a key sets, "" if refmon does not read it.
func parameter(key string) string {
	if name, ok := synonyms[key]; ok {
		key = name
	}
	if _, ok := unread[key]; ok {
		return key
	}
	switch key {
	case "path", "validusers", "invalidusers", "readlist", "writelist", "adminusers", "readonly", "forceuser",
		"forcegroup", "vfsobjects", "acl_xattr:ignoresystemacls", "acl_xattr:security_acl_name":
		return key
	}
	return ""
}

// isServerWide reports whether a setting of [global] counts for all sections, wherever it is: a parameter of the whole
// server, or an option of a module.
func isServerWide(parameter string) bool {
	switch parameter {
	case "include", "configbackend", "usernamemap", "usershareallowguests":
		return true
	}
	return isModuleOption(parameter)
}

// isModuleOption reports whether a parameter is an option of a module, such as acl_xattr:ignore system acls.
func isModuleOption(parameter string) bool { return strings.Contains(parameter, ":") }

// globalName is the section with the defaults of the others, in lower case.
const globalName = "global"

// copyFrom applies copy = NAME. The settings that the other section has so far replace those that s inherited. s keeps
// its own settings, except module options that are copied (F-217).
func (s *section) copyFrom(from *section) {
	copied := from.settings()
	for name := range copied {
		if isModuleOption(name) {
			delete(s.own, name)
		}
	}
	for name, x := range s.inherited {
		if _, ok := copied[name]; !ok && isModuleOption(name) {
			copied[name] = x
		}
	}
	s.inherited = copied
	s.failed = cmp.Or(s.failed, from.failed)
}

// parser splits a file into sections.
type parser struct {
	out      []*section
	byName   map[string]*section // by name in lower case
	current  *section
	defaults map[string]*setting // of the next new section; nil: [global] has changed
	settings int
}

// parse splits a configuration file into sections. A line that ends with a backslash, or with a backslash and blanks,
// continues, up to maxLine. A comment ends with its line all the same (F-217). A repeated section name continues the
// first section. Errors name the line.
func parse(text string) ([]*section, error) {
	p := parser{byName: map[string]*section{}}
	n, begun := 0, 0 // begun: the first line of those in whole; 0: none
	var whole strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if begun == 0 && isComment(strings.TrimSpace(line)) {
			continue
		}
		if begun == 0 {
			begun = n
		}
		if rest, more := strings.CutSuffix(strings.TrimRight(line, " \t"), `\`); more && whole.Len() < maxLine {
			whole.WriteString(rest)
			continue
		}
		whole.WriteString(line)
		if err := p.line(strings.TrimSpace(whole.String()), begun); err != nil {
			return nil, fmt.Errorf("line %d: %w", begun, err)
		}
		whole.Reset()
		begun = 0
	}
	if begun > 0 { // the last line ends with a backslash, and no other follows
		if err := p.line(strings.TrimSpace(whole.String()), begun); err != nil {
			return nil, fmt.Errorf("line %d: %w", begun, err)
		}
	}
	return p.out, nil
}

// isComment reports whether a line without blanks at its ends is a comment.
func isComment(line string) bool { return line != "" && (line[0] == '#' || line[0] == ';') }

// line adds a section, or applies a setting to the current one. Empty lines, comments and parameters that refmon does
// not read are skipped. A repeated section name, in any case, continues that section. n is the line's number. Errors:
//   - a setting before the first section
//   - a value that must be yes or no and is not
//   - copy in [global], of [global], or of the section itself
//   - text after ]
//   - more than maxShares sections or maxSettings settings
//   - any other line
func (p *parser) line(line string, n int) error {
	if line == "" || isComment(line) {
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
		return p.setting(&setting{plainKey(key), strings.TrimSpace(key), strings.TrimSpace(value), n})
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
	if global := p.byName[globalName]; global != nil && p.defaults == nil {
		p.defaults = maps.Clone(global.own)
		maps.DeleteFunc(p.defaults, func(name string, _ *setting) bool { return isServerWide(name) })
	}
	p.current = &section{name: name, own: map[string]*setting{}, inherited: p.defaults} // later lines are ignored (F-217)
	p.byName[key] = p.current
	p.out = append(p.out, p.current)
	return nil
}

// setting applies a setting to the current section. Its errors are those of line. If no line before has begun the
// section that copy names, it sets the failed field of the current one.
func (p *parser) setting(s *setting) error {
	if s.key == "copy" {
		from := p.byName[strings.ToLower(s.value)]
		global := p.byName[globalName]
		switch {
		case from == p.current || from == global && global != nil || p.current == global:
			return fmt.Errorf("[%s] copy = %s: want an earlier share, and no copy in [%s]", p.current.name, s.value, globalName)
		case from == nil: // an included file may have it, and other shares do not need it (F-217)
			p.current.failed = cmp.Or(p.current.failed, fmt.Errorf("line %d: [%s] copy = %s: want an earlier share; "+
				"for one of an included file, give what testparm -s prints", s.line, p.current.name, s.value))
		default:
			p.current.copyFrom(from)
		}
		return nil
	}
	name := parameter(s.key)
	if name == "" {
		return nil
	}
	if err := (&Config{}).set(s); err != nil {
		return fmt.Errorf("[%s] %s = %s: %w", p.current.name, s.name, s.value, err)
	}
	p.current.own[name] = s
	if p.current == p.byName[globalName] {
		p.defaults = nil
	}
	return nil
}

// plainKey returns a key in lower case without blanks, the form in which keys are compared.
func plainKey(key string) string {
	return strings.ToLower(strings.Join(strings.Fields(key), ""))
}
