//go:build ignore

package main

import (
	"bytes"
	"fmt"
	"log"
	"regexp"
	"strings"
)

var (
	declared = regexp.MustCompile(`(?m)^REFMON_API (\w+) WINAPI (\w+)([AW])\(([^)]*)\);`)
	// sized is a structure that has a form for either width. The two have one layout.
	sized = regexp.MustCompile(`_A\b`)
)

// handwritten are the A functions that gen.go does not generate. The operating system uses the bytes of their names
// directly, so they are not converted.
var handwritten = map[string]bool{"CreateProcess": true, "CreateProcessAsUser": true}

// invalid are the functions that return INVALID_HANDLE_VALUE when they fail.
var invalid = map[string]bool{"CreateFile": true, "CreateNamedPipe": true}

// deep maps functions that follow pointers to names in structures to the C function for both widths, whose last
// parameter is the width.
var deep = map[string]string{
	"SetEntriesInAcl":               "rm_entries_acl",
	"GetEffectiveRightsFromAcl":     "rm_effective_rights",
	"GetAuditedPermissionsFromAcl":  "rm_audited_permissions",
	"BuildSecurityDescriptor":       "rm_build_descriptor",
	"LookupSecurityDescriptorParts": "rm_descriptor_parts",
}

// ansi writes the C source of all A functions: each converts its text and calls the W form. Only functions that have
// both forms get one.
func ansi(headers []string) []byte {
	b := bytes.NewBufferString(head + "#include \"ansi.h\"\n")
	for _, h := range headers {
		wide := map[string]bool{}
		for _, m := range declared.FindAllStringSubmatch(read(h), -1) {
			result, name, list := m[1], m[2], strings.Join(strings.Fields(m[4]), " ")
			if m[3] == "W" {
				wide[name] = true
			} else if wide[name] && !handwritten[name] {
				twin(b, result, name, list)
			}
		}
	}
	return broken(b.Bytes())
}

// twin writes the C source of one A function, which converts its text and calls the W function of the same name. If a
// text cannot be converted, the A function fails without the call. A function with structures converts them by another
// template.
func twin(b *bytes.Buffer, result, name, list string) {
	all := params(list)
	fmt.Fprintf(b, "\n%s WINAPI %sA(%s)\n{\n", result, name, list)
	if hasTextStructure(all) || result == "LPSTR" || name == "GetNamedPipeHandleState" { // never writes its text buffer
		cast(b, result, name, all)
		return
	}
	var begin, end, locals []string
	args := make([]string, len(all))
	for i, p := range all {
		local := "wide_" + p.name
		args[i] = p.name
		switch {
		case p.ctype == "LPSTR" && i+1 < len(all) && all[i+1].ctype == "LPDWORD":
			count := all[i+1].name
			locals = append(locals, "struct buffer "+local+" = {0};")
			begin = append(begin, fmt.Sprintf("room(%s, %s, &%s)", p.name, count, local))
			end = append(end, fmt.Sprintf("leave(%s, %s, &%s, r);", p.name, count, local))
			args[i] = local + ".text"
		case p.ctype == "LPDWORD" && i > 0 && all[i-1].ctype == "LPSTR":
			args[i] = fmt.Sprintf("%s ? &wide_%s.units : NULL", p.name, all[i-1].name)
		case p.ctype == "LPCSTR", p.ctype == "LPSTR":
			locals = append(locals, "PWSTR "+local+" = NULL;")
			begin = append(begin, fmt.Sprintf("widen(%s, &%s)", p.name, local))
			end = append(end, "drop("+local+");")
			args[i] = local
		case p.ctype == "LPSTR *":
			locals = append(locals, "PWSTR "+local+" = NULL;")
			end = append(end, "if (r)\n\t\t*"+p.name+" = narrow("+local+", units("+local+"));")
			args[i] = fmt.Sprintf("%s ? &%s : NULL", p.name, local)
		}
	}
	call := fmt.Sprintf("%sW(%s);", name, strings.Join(args, ", "))
	for _, l := range locals {
		fmt.Fprintf(b, "\t%s\n", l)
	}
	if len(begin) == 0 {
		fmt.Fprintf(b, "\t%s r = %s\n", result, call)
	} else {
		// A call without its text would be another call, so it is not made (O-172).
		fmt.Fprintf(b, "\t%s r = %s;\n\tif (%s)\n\t\tr = %s\n", result, failure(result, name),
			strings.Join(begin, " && "), call)
	}
	for _, e := range end {
		fmt.Fprintf(b, "\t%s\n", e)
	}
	b.WriteString("\treturn r;\n}\n")
}

// failure returns the result of a function for which there is no memory to convert its text. An unknown result type
// ends the program.
func failure(result, name string) string {
	switch {
	case result == "BOOL":
		return "FALSE"
	case result == "DWORD":
		return "ERROR_NOT_ENOUGH_MEMORY"
	case invalid[name]:
		return "INVALID_HANDLE_VALUE"
	case result == "HANDLE":
		return "NULL"
	}
	log.Fatalf("%sA: no value of %s that stands for a failure", name, result)
	return ""
}

// hasTextStructure reports whether a parameter of an A function is a structure that contains text. The generated
// function does not convert the texts in such a structure.
func hasTextStructure(all []param) bool {
	for _, p := range all {
		if sized.MatchString(p.ctype) {
			return true
		}
	}
	return false
}

// cast writes the rest of an A function that converts no text, with its closing brace. It casts the parameters whose W
// type differs and calls the W function. For a function in deep it calls that one instead, with FALSE as last argument.
func cast(b *bytes.Buffer, result, name string, all []param) {
	var args []string
	for _, p := range all {
		kind := p.ctype
		switch {
		case kind == "LPSTR":
			kind = "LPWSTR"
		case sized.MatchString(kind):
			kind = sized.ReplaceAllString(kind, "_W")
		}
		if kind != p.ctype {
			args = append(args, "("+kind+")"+p.name)
		} else {
			args = append(args, p.name)
		}
	}
	function := name + "W"
	if either := deep[name]; either != "" {
		function, args = either, append(args, "FALSE")
	}
	call := fmt.Sprintf("%s(%s);", function, strings.Join(args, ", "))
	switch result {
	case "void":
	case "LPSTR":
		call = "return (LPSTR)" + call
	default:
		call = "return " + call
	}
	fmt.Fprintf(b, "\t%s\n}\n", call)
}
