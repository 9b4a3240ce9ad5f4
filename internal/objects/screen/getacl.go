package screen

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/objects"
)

const getAclCommand = "Get-Acl PATH | Select Path,Sddl | Export-Csv FILE"

// getAcl reads what "Get-Acl PATH | Format-List" prints: a property a line, whose value goes on in the same column of
// the next lines. Path and Sddl count.
type getAcl struct{ lines lines }

// newGetAcl returns the source of a text that "Get-Acl | Format-List" printed.
func newGetAcl(in io.Reader) objects.Source { return &getAcl{newLines(in)} }

// Next fills b with the next objects. It returns io.EOF after the last one.
func (g *getAcl) Next(b *objects.Batch) error { return objects.Gather(b, g.one) }

// one reads the next object into o, or returns io.EOF. A missing or incomplete Sddl line, a repeated property, and an
// object longer than [objects.MaxLine], set o.Err and return nil. Other errors end the run. A line without a property
// name continues the property.
func (g *getAcl) one(o *objects.Object) error {
	line, err := g.lines.nextFull()
	if err != nil {
		return err
	}
	x := properties{number: g.lines.number, values: map[string][]part{}}
	label, size := "", 0
	fail := func(format string, value any) error { // reading continues after the next empty line
		g.lines.skip()
		o.Path, o.Err = fmt.Appendf(nil, "line %d", x.number), fmt.Errorf(format, value)
		return nil
	}
	for err == nil && line != "" {
		if size += len(line); size > objects.MaxLine {
			return fail("the object is longer than %d MiB", objects.MaxLine>>20)
		}
		width := utf8.RuneCountInString(line)
		x.widest = max(x.widest, width)
		text := line
		if name := property.FindString(line + " "); name != "" {
			label, text = strings.ToLower(strings.TrimRight(name, " :")), (line + " ")[len(name):]
			if x.values[label] != nil { // without the empty line between two objects, the first would be lost
				return fail("the property %q appears twice: separate objects by an empty line", label)
			}
		}
		x.values[label] = append(x.values[label], part{strings.Trim(text, " "), width})
		line, err = g.lines.next()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	x.object(o)
	return nil
}

// part is one line of a property's value, without blanks around it. width is that of the whole line in characters,
// which shows whether the console broke it.
type part struct {
	text  string
	width int
}

// properties holds the lines of one object by property name, as the console printed them.
type properties struct {
	number, widest int // of the first line; of the widest one in characters
	values         map[string][]part
}

// broken returns the value of a property as the lines into which the console broke it. It returns nil if the object
// does not have the property.
func (x *properties) broken(name string) (list []string) {
	for _, p := range x.values[name] {
		list = append(list, p.text)
	}
	return list
}

// path returns the object's path: the value of Path, else of PSPath, else "line N". It joins the lines into which the
// console broke the value: with a blank, which the console removed, unless the line was full.
func (x *properties) path() string {
	list := x.values["path"]
	if len(list) == 0 || list[0].text == "" {
		list = x.values["pspath"]
	}
	var text strings.Builder
	for i, p := range list {
		if text.WriteString(p.text); i < len(list)-1 && p.width < x.widest {
			text.WriteByte(' ')
		}
	}
	if text.Len() == 0 {
		return fmt.Sprintf("line %d", x.number)
	}
	return text.String()
}

// object fills o with path, type and descriptor from the properties. A missing or cut Sddl line sets o.Err. A Registry
// path is a key and an ActiveDirectory path a directory object; other objects have no type.
func (x *properties) object(o *objects.Object) {
	text, typ := objects.TrimProvider(x.path())
	o.Path, o.Type = []byte(text), typ
	sddl := x.broken("sddl")
	if len(sddl) == 0 || sddl[0] == "" {
		o.Err = errors.New("the object has no line Sddl, and the line Access does not have each entry in full: use " +
			getAclCommand)
		return
	}
	if strings.Contains(strings.Join(sddl, ""), "...") || strings.Contains(strings.Join(sddl, ""), "…") {
		o.Err = errors.New("the line Sddl is cut: use " + getAclCommand)
		return
	}
	o.SD, o.Form, o.Err = sddlOf(sddl)
}
