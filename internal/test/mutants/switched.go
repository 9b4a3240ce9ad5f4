package mutants

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
)

// A switched is a source file with mutants. A test program runs at most one of them.
type switched struct {
	name   string
	source []byte
	fset   *token.FileSet
	file   *ast.File
	cases  map[*ast.FuncDecl][]int // the numbers of a function's mutants
	copies strings.Builder         // the functions that stand in for it
}

// newSwitched parses a Go file into which mutants can be put. It returns an error if the file cannot be read or
// parsed.
func newSwitched(name string) (*switched, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s := &switched{name: name, source: b, fset: token.NewFileSet(), cases: map[*ast.FuncDecl][]int{}}
	s.file, err = parser.ParseFile(s.fset, name, b, parser.SkipObjectResolution)
	return s, err
}

// add takes the mutant that leaves the file changed. It reports false if the mutant
// lies outside a function's body, or its function recovers, which it can do only
// where it is deferred itself.
func (s *switched) add(number int, changed []byte) (bool, error) {
	begin := 0
	for begin < min(len(s.source), len(changed)) && s.source[begin] == changed[begin] {
		begin++
	}
	end := len(s.source)
	for more := len(changed); end > begin && more > begin && s.source[end-1] == changed[more-1]; {
		end, more = end-1, more-1
	}
	for i, d := range s.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || s.offset(fn.Body.Lbrace) >= begin || s.offset(fn.Body.Rbrace) < end || recovers(fn) {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, s.name, changed, parser.SkipObjectResolution)
		if err != nil {
			return false, err
		}
		if len(file.Decls) != len(s.file.Decls) {
			return false, fmt.Errorf("it changes how many declarations %s has", s.name)
		}
		other := file.Decls[i].(*ast.FuncDecl)
		at := func(p token.Pos) int { return fset.Position(p).Offset }
		fmt.Fprintf(&s.copies, "\n%s%s%s\n", changed[at(other.Pos()):at(other.Name.Pos())], standIn(fn, number),
			changed[at(other.Name.End()):at(other.End())])
		s.cases[fn] = append(s.cases[fn], number)
		return true, nil
	}
	return false, nil
}

func (s *switched) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// standIn returns the name of the copy of a function that has the mutant with that number.
func standIn(fn *ast.FuncDecl, number int) string {
	return fmt.Sprintf("%sMutant%d", fn.Name.Name, number)
}

// recovers reports whether a function calls recover.
func recovers(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == "recover" {
			found = true
		}
		return true
	})
	return found
}

// An edit puts a text in place of another.
type edit struct {
	begin, end int
	text       string
}

// text returns the new text of the file. Each function with a mutant calls its copy if that mutant is chosen, and
// reports its own call if [listing] is chosen. The call is on the line on which the body begins, so line numbers stay.
func (s *switched) text() string {
	var edits []edit
	for fn, numbers := range s.cases {
		receiver, arguments := s.named(fn, &edits)
		var b strings.Builder
		list := strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
		fmt.Fprintf(&b, " switch refmonMutant { case %d: refmonList(%s);", listing, list)
		for _, n := range numbers {
			call := receiver + standIn(fn, n) + typeArguments(fn) + "(" + arguments + ")"
			if fn.Type.Results.NumFields() > 0 {
				fmt.Fprintf(&b, " case %d: return %s;", n, call)
			} else {
				fmt.Fprintf(&b, " case %d: %s; return;", n, call)
			}
		}
		b.WriteString(" }; ")
		at := s.offset(fn.Body.Lbrace) + 1
		edits = append(edits, edit{at, at, b.String()})
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.begin, b.begin) })
	var out bytes.Buffer
	last := 0
	for _, e := range edits {
		out.Write(s.source[last:e.begin])
		out.WriteString(e.text)
		last = e.end
	}
	out.Write(s.source[last:])
	out.WriteString(s.copies.String())
	return out.String()
}

// named returns the receiver with its dot, and the arguments, for a call of the function's copy. It adds edits that
// name the unnamed parameters.
func (s *switched) named(fn *ast.FuncDecl, edits *[]edit) (receiver, arguments string) {
	var words []string
	list := func(fields *ast.FieldList, prefix string) {
		if fields == nil {
			return
		}
		for _, f := range fields.List {
			dots := ""
			if _, ok := f.Type.(*ast.Ellipsis); ok {
				dots = "..."
			}
			for _, id := range f.Names {
				name := id.Name
				if name == "_" {
					name = fmt.Sprint(prefix, len(words))
					*edits = append(*edits, edit{s.offset(id.Pos()), s.offset(id.End()), name})
				}
				words = append(words, name+dots)
			}
			if f.Names == nil {
				name := fmt.Sprint(prefix, len(words))
				at := s.offset(f.Type.Pos())
				*edits = append(*edits, edit{at, at, name + " "})
				words = append(words, name+dots)
			}
		}
	}
	if list(fn.Recv, "mutantOf"); words != nil {
		receiver, words = words[0]+".", nil
	}
	list(fn.Type.Params, "mutant")
	return receiver, strings.Join(words, ", ")
}

// typeArguments returns the type parameters of a function as arguments.
func typeArguments(fn *ast.FuncDecl) string {
	if fn.Type.TypeParams == nil {
		return ""
	}
	var names []string
	for _, f := range fn.Type.TypeParams.List {
		for _, id := range f.Names {
			names = append(names, id.Name)
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}
