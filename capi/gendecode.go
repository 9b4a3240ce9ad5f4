//go:build ignore

package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/refmon/refmon/nt"
)

// readers turn a parameter into a field that is captured: %d is its place.
var readers = map[string]string{
	"POBJECT_ATTRIBUTES":                     "c.attributes(%d)",
	"PSECURITY_DESCRIPTOR":                   "captured(c.DescriptorAt(c.ptr(%d)))",
	"PTOKEN_GROUPS":                          "captured(c.GroupsAt(c.ptr(%d)))",
	"PTOKEN_PRIVILEGES":                      "captured(c.PrivilegesAt(c.ptr(%d)))",
	"PGENERIC_MAPPING":                       "captured(c.MappingAt(c.ptr(%d)))",
	"PSECURITY_QUALITY_OF_SERVICE":           "captured(c.QualityAt(c.ptr(%d)))",
	"PCLIENT_ID":                             "captured(c.ClientIDAt(c.ptr(%d)))",
	"PTOKEN_SECURITY_ATTRIBUTES_INFORMATION": "captured(c.TokenAttributesAt(c.ptr(%d)))",
	"PUNICODE_STRING":                        "c.required(%d)",
	"PPRIVILEGE_SET":                         "captured(c.PrivilegeSetAt(c.ptr(%d)))",
	"PSID":                                   "captured(c.OptionalSIDAt(c.ptr(%d)))",
	"PLUID":                                  "captured(c.LUIDAt(c.ptr(%d)))",
	"PLARGE_INTEGER":                         "captured(c.TimeAt(c.ptr(%d)))",
	"PTOKEN_USER":                            "captured(c.UserAt(c.ptr(%d)))",
	"PTOKEN_OWNER":                           "captured(c.OwnerAt(c.ptr(%d)))",
	"PTOKEN_PRIMARY_GROUP":                   "captured(c.PrimaryGroupAt(c.ptr(%d)))",
	"PTOKEN_DEFAULT_DACL":                    "captured(c.DefaultDACLAt(c.ptr(%d)))",
	"PTOKEN_SOURCE":                          "captured(c.SourceAt(c.ptr(%d)))",
	"PTOKEN_MANDATORY_POLICY":                "captured(c.PolicyAt(c.ptr(%d)))",
}

// counted maps readers that also need the count: the parameter with the array's name and the suffix Length, or the
// adjacent one.
var counted = map[string]string{
	"POBJECT_TYPE_LIST": "captured(c.ObjectTypesAt(c.ptr(%d), c.u32(%d)))",
	"PCUNICODE_STRING":  "captured(c.NamesAt(c.ptr(%d), c.u32(%d)))",
}

// unnamed are the services whose names may be NULL.
var unnamed = map[string]bool{"NtPrivilegeObjectAuditAlarm": true, "NtPrivilegedServiceAuditAlarm": true}

// A param is one parameter of a prototype.
type param struct{ ctype, name string }

// params splits the parameter list of a prototype. "void" gives none.
func params(list string) (all []param) {
	for p := range strings.SplitSeq(list, ",") {
		if m := parameter.FindStringSubmatch(strings.TrimSpace(p)); list != "void" {
			all = append(all, param{strings.TrimSpace(m[1]), m[2]})
		}
	}
	return all
}

// handleOf returns the index of the first PHANDLE parameter, the handle that a service outputs, or -1 without one.
func handleOf(all []param) int {
	for i, p := range all {
		if p.ctype == "PHANDLE" {
			return i
		}
	}
	return -1
}

// named returns the index of the C parameter for the field f of a service's input structure. The field's tag, or else
// its name, is the parameter's name. It returns -1 if no parameter has that name.
func named(all []param, f reflect.StructField) int {
	name := f.Name
	if tag := f.Tag.Get("param"); tag != "" {
		name = tag
	}
	for i, p := range all {
		if strings.EqualFold(p.name, name) {
			return i
		}
	}
	return -1
}

// value returns the Go expression that decodes parameter i to a field of type f, or "" if none can be generated. The
// indices are those of the parameters that the expression reads. A captured array also reads its count: the next
// parameter if its name matches, else the previous one.
func value(all []param, i int, f reflect.Type) (string, []int) {
	isCaptured := strings.HasPrefix(f.Name(), "Captured[")
	kind := f.String()
	switch {
	case isCaptured && readers[all[i].ctype] != "":
		return fmt.Sprintf(readers[all[i].ctype], i), []int{i}
	case isCaptured && counted[all[i].ctype] != "":
		n := i - 1
		if i+1 < len(all) && (all[i+1].name == all[i].name+"Length" || all[i+1].name == "NumberOf"+all[i].name) {
			n = i + 1
		}
		return fmt.Sprintf(counted[all[i].ctype], i, n), []int{i, n}
	case kind == "winnt.Handle":
		return fmt.Sprintf("c.handle(%d)", i), []int{i}
	case kind == "winnt.AccessMask":
		return fmt.Sprintf("c.mask(%d)", i), []int{i}
	case kind == "bool" && all[i].ctype == "BOOLEAN":
		return fmt.Sprintf("c.boolean(%d)", i), []int{i}
	case kind == "uint32":
		return fmt.Sprintf("c.u32(%d)", i), []int{i}
	case f.Kind() == reflect.Uint32, kind == "int32":
		return fmt.Sprintf("%s(c.u32(%d))", kind, i), []int{i}
	}
	return "", nil
}

// A decoder generates the Go code that decodes the C parameters of the services. It writes the whole function where
// every parameter is plain and this folder has no handwritten one. Otherwise it writes only the decoding of the plain
// parameters, for the handwritten function.
type decoder struct {
	written string // the Go of this folder
	out     bytes.Buffer
}

// newDecoder returns a decoder that knows the handwritten Go of this folder. It ends the generator on an error.
func newDecoder() *decoder {
	d := &decoder{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasPrefix(f, "gen") && f != "services_gen.go" {
			d.written += read(f)
		}
	}
	d.out.WriteString("// Code generated by gen.go from the public headers. DO NOT EDIT.\n\n//go:build cgo && linux\n\n" +
		"package main\n\nimport (\n\t\"github.com/refmon/refmon/nt\"\n\t\"github.com/refmon/refmon/winnt\"\n)\n")
	return d
}

// service generates the Go code of one service from its C prototype. A service that nt.Services does not have
// generates nothing. If d.written calls a function that decodes the arguments, service generates that function, even
// with fields missing. If not, the whole call is generated, unless d.written has it, a field cannot be decoded or a
// parameter is unused.
func (d *decoder) service(name string, all []param) {
	m, ok := reflect.TypeFor[nt.Services]().MethodByName(name)
	if !ok {
		return
	}
	in, result := m.Type.In(0), m.Type.Out(0)
	used := make([]bool, len(all))
	var fields []string
	whole := true
	for i := range in.NumField() {
		f := in.Field(i)
		at := named(all, f)
		text, taken := "", []int(nil)
		if at >= 0 {
			text, taken = value(all, at, f.Type)
		}
		for _, n := range taken {
			used[n] = true
		}
		if text == "" {
			whole = false
			continue
		}
		if unnamed[name] {
			text = strings.Replace(text, "c.required(", "c.text(", 1)
		}
		fields = append(fields, f.Name+": "+text)
	}
	handle := handleOf(all)
	if handle >= 0 {
		used[handle] = true
	}
	for _, u := range used {
		whole = whole && u
	}
	literal := fmt.Sprintf("nt.%s{%s}", in.Name(), strings.Join(fields, ", "))
	function := goName(name)
	reading := strings.TrimPrefix(function, "nt")
	reading = strings.ToLower(reading[:1]) + reading[1:] + "In"
	switch {
	case strings.Contains(d.written, reading+"(c)"):
		rest := ""
		if len(fields) < in.NumField() {
			rest = "\n// The fields that need more than that stay zero."
		}
		fmt.Fprintf(&d.out, "\n// %s reads the arguments of a call.%s\nfunc %s(c *call) nt.%s {\n\treturn %s\n}\n",
			reading, rest, reading, in.Name(), literal)
	case regexp.MustCompile(`(?m)^func ` + function + `\(`).MatchString(d.written):
	case whole && handle >= 0:
		fmt.Fprintf(&d.out, "\n// %s makes a call of %s and writes its handle.\nfunc %s(c *call) uint64 {\n"+
			"\tout, st := c.sys.%s(%s)\n\treturn c.opened(out.%s, st)\n}\n",
			function, name, function, name, literal, handleField(result, all[handle]))
	case whole && result.NumField() == 0:
		fmt.Fprintf(&d.out, "\n// %s makes a call of %s and returns its status.\nfunc %s(c *call) uint64 {\n"+
			"\t_, st := c.sys.%s(%s)\n\treturn status(st)\n}\n", function, name, function, name, literal)
	}
}

// handleField returns the name of the result's field that holds the handle of the output parameter p. Without such a
// field it ends the program.
func handleField(result reflect.Type, p param) string {
	for i := range result.NumField() {
		if f := result.Field(i); named([]param{p}, f) == 0 {
			return f.Name
		}
	}
	log.Fatalf("%s has no field for %s", result, p.name)
	return ""
}

// source returns the generated Go file with the functions of all services so far.
func (d *decoder) source() []byte {
	b, err := format.Source(broken(d.out.Bytes()))
	if err != nil {
		log.Fatal(err)
	}
	return b
}
