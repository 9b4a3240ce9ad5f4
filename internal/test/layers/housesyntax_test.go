package layers

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// readSyntax returns the findings that need the syntax tree of a Go file: functions that are too long, and doc
// comments that do not begin with the name and a verb.
func readSyntax(fset *token.FileSet, f file) []finding {
	if f.test || ast.IsGenerated(f.ast) || strings.Contains(f.name, "_gen.") {
		return nil
	}
	var all []finding
	at := func(p token.Pos, fault, what string) {
		all = append(all, finding{fault, fmt.Sprintf("%s:%d", f.name, fset.Position(p).Line), what})
	}
	for _, decl := range f.ast.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if n := codeLines(fset, f.ast, d); n > maxFunction {
				at(d.Pos(), "long-function", fmt.Sprintf("%s has %d lines", d.Name.Name, n))
			}
			if what := docOfFunc(d); what != "" {
				at(d.Pos(), "doc-comment", what)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok {
					if what := docOfType(d, s); what != "" {
						at(s.Pos(), "doc-comment", what)
					}
				}
			}
		}
	}
	return all
}

// codeLines counts the lines of a function's body that are not comments alone.
func codeLines(fset *token.FileSet, f *ast.File, d *ast.FuncDecl) int {
	if d.Body == nil {
		return 0
	}
	n := fset.Position(d.Body.Rbrace).Line - fset.Position(d.Body.Lbrace).Line - 1
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < d.Body.Lbrace || c.End() > d.Body.Rbrace {
				continue
			}
			if fset.Position(c.Pos()).Column <= 1+indent(fset, c, d) {
				n -= fset.Position(c.End()).Line - fset.Position(c.Pos()).Line + 1
			}
		}
	}
	return n
}

// indent returns the maximum indentation of a comment on its own line. A comment after code may be indented further
// than any nesting.
func indent(fset *token.FileSet, c *ast.Comment, d *ast.FuncDecl) int {
	depth := 0
	ast.Inspect(d.Body, func(n ast.Node) bool {
		if n == nil || n.Pos() > c.Pos() || n.End() < c.End() {
			return false
		}
		switch n.(type) {
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause, *ast.CompositeLit, *ast.CallExpr, *ast.FuncLit:
			depth++
		}
		return true
	})
	return depth
}

// docOfFunc returns the problem of a function's doc comment, or "".
func docOfFunc(d *ast.FuncDecl) string {
	words := strings.Fields(d.Doc.Text())
	if len(words) == 0 {
		return ""
	}
	if strings.Trim(words[0], ",:") != d.Name.Name {
		return fmt.Sprintf("the comment of %s begins with %q, not with the name", d.Name.Name, words[0])
	}
	// "X is like Y" is how the standard library writes of a variant.
	like := len(words) > 2 && words[1] == "is" && words[2] == "like"
	if len(words) == 1 || !like && !verb(words[1:]) {
		return fmt.Sprintf("the comment of %s: a verb follows the name: returns, reports, applies", d.Name.Name)
	}
	return ""
}

// docOfType returns the problem of a type's doc comment, or "".
func docOfType(d *ast.GenDecl, s *ast.TypeSpec) string {
	doc := s.Doc.Text()
	if doc == "" && len(d.Specs) == 1 {
		doc = d.Doc.Text()
	}
	words := strings.Fields(doc)
	if len(words) == 0 || !s.Name.IsExported() {
		return ""
	}
	if slices.Contains([]string{"A", "An", "The"}, words[0]) && len(words) > 1 {
		words = words[1:]
	}
	name := strings.Trim(words[0], ",:.")
	if name != s.Name.Name && name != s.Name.Name+"s" {
		return fmt.Sprintf("the comment of %s begins with %q, not with the name", s.Name.Name, words[0])
	}
	return ""
}

// notVerbs are words that, after a name, say nothing about what the function does.
var notVerbs = []string{"is", "was", "as", "this", "its", "always", "has"}

// verb reports whether the words after a name start with a verb in the third person, possibly after an adverb or the
// names of further functions.
func verb(words []string) bool {
	if words[0] == "and" || words[0] == "or" || strings.HasSuffix(words[0], ",") {
		return true
	}
	for _, w := range words[:min(2, len(words))] {
		w = strings.Trim(w, ",:;.")
		if strings.HasSuffix(w, "s") && !slices.Contains(notVerbs, w) {
			return true
		}
		if !strings.HasSuffix(w, "ly") && w != "also" && w != "never" && w != "always" {
			return false
		}
	}
	return false
}
