package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
	"sluice/rules/lang"
	"sluice/rules/plan"
	"sluice/scoring/event"
)

// Load reads a directory of rule files. Its error lists every fault of every
// file, as strict.Faults.
func Load(dir string, schema *event.Schema) (*Set, error) {
	if err := isDirectory(dir); err != nil {
		return nil, err
	}
	return LoadFS(os.DirFS(dir), dir, schema)
}

func isDirectory(dir string) error {
	st, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no directory %s; give the directory of rule files", dir)
	}
	if err != nil {
		return fmt.Errorf("the directory of rules: %w", err)
	}
	if !st.IsDir() {
		return fmt.Errorf("%s is a file; give the directory of rule files that it stands in", dir)
	}
	return nil
}

// LoadFS reads the rule files at the root of a file system; name stands before
// the files' names in faults.
func LoadFS(fsys fs.FS, name string, schema *event.Schema) (*Set, error) {
	s, err := readSources(fsys)
	if err != nil {
		return nil, fmt.Errorf("rules in %s: %w", name, err)
	}
	set, _, err := build(s, name, schema)
	return set, err
}

// LoadFiles makes a set of the files of a rule directory that were kept; name
// stands before the files' names in faults.
func LoadFiles(files []File, name string, schema *event.Schema) (*Set, error) {
	set, _, err := build(sourcesOf(files), name, schema)
	return set, err
}

// loader gathers a Set and all that is wrong with its files.
type loader struct {
	name   string // of the directory
	schema *event.Schema
	lists  *Lists
	faults strict.Faults
	notes  strict.Faults // what Check warns of that only the files show

	policy     Policy
	policyAt   string         // where a policy stood, "" if none did yet
	ids        map[string]ref // where each id stood
	rules      []loaded
	overflowed bool

	examples []Example  // their Rule is an index into rules
	fired    []firedRef // rules that they name
	payments int        // of all examples
	hints    int        // told of unknown names in examples
}

// ref is a place in a file.
type ref struct {
	file string
	line int
}

// loaded is a rule with its checked condition and where that stands.
type loaded struct {
	rule          Rule
	tree          *lang.Node
	doc           *strict.Document
	when          strict.Text
	mark, expires strict.Mark // where it begins, and where its end stands
}

func build(s *sources, name string, schema *event.Schema) (*Set, *loader, error) {
	l := &loader{
		name: name, schema: schema, policy: DefaultPolicy(),
		lists: &Lists{byName: map[string]list{}}, ids: map[string]ref{},
	}
	for _, c := range s.lists {
		l.list(c)
	}
	for _, c := range s.files {
		l.file(c)
	}
	l.nameFired()
	if len(l.faults) > 0 {
		return nil, l, l.report()
	}
	l.lists.asked, l.lists.secret = l.asked(), l.secretLists()
	set, err := l.compile(s.hash)
	return set, l, err
}

// maxFaults bounds what is shown of a directory full of faults.
const maxFaults = 500

// report gives the faults in order.
func (l *loader) report() error {
	l.faults.Sort()
	if more := len(l.faults) - maxFaults; more > 0 {
		l.faults = l.faults[:maxFaults]
		l.faults[maxFaults-1].Message += fmt.Sprintf(" (and %d more faults, not shown)", more)
	}
	return l.faults
}

// path gives a file's name as a person would open it.
func (l *loader) path(name string) string { return filepath.Join(l.name, filepath.FromSlash(name)) }

func (l *loader) list(c File) {
	name, problem := listName(path.Base(c.Name))
	f := &listFile{file: l.path(c.Name)}
	var entries list = nothing{}
	switch {
	case problem != "":
		f.fault(1, 1, "", problem)
	case len(c.Data) > maxListSize:
		f.fault(1, 1, "", fmt.Sprintf("the list is larger than %d MiB; split it", maxListSize>>20))
	default:
		entries = f.parse(c.Data)
	}
	l.faults = append(l.faults, f.faults...)
	l.lists.add(name, entries)
}

func (l *loader) file(c File) {
	name := l.path(c.Name)
	if len(bytes.TrimSpace(c.Data)) == 0 { // as one that is just being written
		l.faults = append(l.faults, strict.Fault{
			File: name, Line: 1, Column: 1, Message: "the file is empty; remove it, or write `rules: []`",
		})
		return
	}
	doc, faults := strict.Parse(name, c.Data)
	if faults != nil {
		l.faults = append(l.faults, faults...)
		return
	}
	if doc.Root != nil && doc.Root.Kind == yaml.SequenceNode {
		l.faults = append(l.faults, doc.Fault(doc.Root.Line, doc.Root.Column,
			"a rule file begins with the line `rules:`, and the list of rules stands below it"))
		return
	}
	l.noteEmpty(doc)
	var f ruleFile
	l.faults = append(l.faults, doc.Decode(&f, nil)...)
	if f.Policy != nil {
		l.takePolicy(doc, f.Policy)
	}
	for i := range f.Rules {
		l.rule(doc, &f.Rules[i])
	}
}

func (l *loader) takePolicy(doc *strict.Document, p *policyEntry) {
	if l.policyAt != "" {
		l.faults = append(l.faults, doc.Fault(p.Mark.Line, p.Mark.Column,
			fmt.Sprintf("there is a policy in %s already; one file of the directory holds it", l.policyAt)))
		return
	}
	l.policyAt, l.policy = doc.File, p.policy()
}

func (l *loader) rule(doc *strict.Document, r *ruleEntry) {
	if len(l.rules) >= maxRules {
		if !l.overflowed {
			l.overflowed = true
			l.faults = append(l.faults, doc.Fault(max(r.Mark.Line, 1), max(r.Mark.Column, 1), fmt.Sprintf("more than %d rules", maxRules)))
		}
		return
	}
	if checkID(r.ID.Value) == "" {
		if first, twice := l.ids[r.ID.Value]; twice {
			line, column := doc.Position(r.ID.Node, 0)
			l.faults = append(l.faults, doc.Fault(line, column,
				fmt.Sprintf("the id %q is taken by the rule at %s:%d", clip(r.ID.Value), first.file, first.line)))
		} else {
			l.ids[r.ID.Value] = ref{doc.File, r.ID.Node.Line}
		}
	}
	next := loaded{rule: r.rule(doc.File, l.rollout(doc, &r.Rollout)), doc: doc, when: r.When, mark: r.Mark}
	if n := r.Expires.node; n != nil {
		next.expires = strict.Mark{Line: n.Line, Column: n.Column}
	}
	l.checkBreaker(doc, r)
	if r.When.Node != nil {
		next.tree = l.condition(doc, r.When)
	}
	l.rules = append(l.rules, next)
	l.readExamples(doc, r, len(l.rules)-1)
}

// condition checks a condition and puts its faults where they stand in the file.
func (l *loader) condition(doc *strict.Document, when strict.Text) *lang.Node {
	tree, faults := lang.Check(strings.TrimRight(when.Value, "\n"), l.schema, l.lists)
	for i, f := range faults {
		line, column := doc.Position(when.Node, f.Pos)
		message := f.Message
		if i == len(faults)-1 {
			message += commentHint(when)
		}
		l.faults = append(l.faults, doc.Fault(line, column, message))
	}
	return tree
}

// commentHint explains a condition that lost its end to YAML's comments.
func commentHint(when strict.Text) string {
	if when.Node.Style != 0 || when.Node.LineComment == "" {
		return ""
	}
	return fmt.Sprintf(" (YAML takes %q for a comment; if it belongs to the condition, write `when: |` and the condition on the next line)",
		clip(when.Node.LineComment))
}

// compile turns rules without faults into a Set.
func (l *loader) compile(hash string) (*Set, error) {
	set := &Set{Policy: l.policy, Hash: hash, Schema: l.schema, Lists: l.lists}
	var conditions []plan.Condition
	var active []*loaded
	places := make([]int, len(l.rules)) // in set.Rules
	for i := range l.rules {
		r := &l.rules[i]
		if r.rule.Mode == Off {
			set.Off = append(set.Off, r.rule)
			places[i] = -1
			continue
		}
		places[i] = len(set.Rules)
		set.Rules = append(set.Rules, r.rule)
		active = append(active, r)
		conditions = append(conditions, r.condition())
	}
	program, err := plan.Compile(l.schema, conditions, l.lists)
	faults := l.uncompilable(err != nil)
	if err == nil {
		for i, r := range active {
			faults = append(faults, r.expensive(program.Cost(i))...)
		}
	}
	if len(faults) > 0 {
		l.faults = faults
		return nil, l.report()
	}
	if err != nil {
		return nil, fmt.Errorf("rules in %s: %w", l.name, err)
	}
	for i := range l.examples {
		l.examples[i].Rule = places[l.examples[i].Rule]
	}
	set.Program, set.Examples = program, l.examples
	set.rollouts = newRollouts(l.schema, set.Rules)
	return set, nil
}

func (r *loaded) condition() plan.Condition {
	return plan.Condition{Tree: r.tree, Source: r.rule.When}
}

// expensive gives the fault of a condition that costs too much.
func (r *loaded) expensive(cost plan.Cost) strict.Faults {
	f, ok := cost.Fault()
	if !ok {
		return nil
	}
	line, column := r.doc.Position(r.when.Node, f.Pos)
	return strict.Faults{r.doc.Fault(line, column, f.Message)}
}

// uncompilable finds the rules that do not compile by themselves, or cost too
// much: off ones always, the others if the set as a whole did not compile.
func (l *loader) uncompilable(all bool) strict.Faults {
	var faults strict.Faults
	for i := range l.rules {
		r := &l.rules[i]
		if !all && r.rule.Mode != Off {
			continue
		}
		program, err := plan.Compile(l.schema, []plan.Condition{r.condition()}, l.lists)
		if err != nil {
			line, column := r.doc.Position(r.when.Node, 0)
			faults = append(faults, r.doc.Fault(line, column, err.Error()))
			continue
		}
		faults = append(faults, r.expensive(program.Cost(0))...)
	}
	return faults
}
