package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/parser/lexer"
)

// refused reports the tokens of expr's grammar that conditions may not use.
func (s *source) refused() []Fault {
	var faults []Fault
	for i, t := range s.tokens {
		if t.is(lexer.Bracket, "{") && (i == 0 || !s.tokens[i-1].is(lexer.Operator, ",")) {
			faults = append(faults, Fault{t.from, "`{…}` is not allowed here: put what belongs together into `(…)`"})
		}
		if t.kind != lexer.Operator || i > 0 && isDot(s.tokens[i-1]) {
			continue
		}
		if why := refusal(t.value); why != "" {
			faults = append(faults, Fault{t.from, why})
		}
	}
	return faults
}

func refusal(operator string) string {
	switch operator {
	case "|":
		return "pipes (`|`) are not allowed: write `count(list, …)`; for \"one or the other\" write `or`"
	case "let":
		return "variables (`let`) are not allowed: write the expression where it is used"
	case ";":
		return "`;` is not allowed: a condition is one expression; join two with `and` or `or`"
	case "if":
		return "`if` is not allowed: `when` is the condition alone, and what follows stands below it, as in `verdict: deny`; for one of two values write `condition ? a : b`"
	case "else":
		return "`" + operator + "` is not allowed: write `condition ? a : b`"
	case "..":
		return "ranges (`..`) are not allowed: write `x >= 1 and x <= 5`"
	case "**", "^":
		return "powers (`" + operator + "`) are not allowed: write `a * a`"
	case "::":
		return "`::` is not allowed here"
	}
	return ""
}

// brackets reports brackets without a partner, and too deep nesting.
func (s *source) brackets(depth int) []Fault {
	var open []token
	for _, t := range s.tokens {
		if t.kind != lexer.Bracket {
			continue
		}
		closes := strings.Index(")]}", t.value)
		if closes < 0 {
			if len(open) == depth {
				return []Fault{{t.from, fmt.Sprintf("too many brackets inside brackets: at most %d are allowed", depth)}}
			}
			open = append(open, t)
			continue
		}
		if len(open) == 0 {
			return []Fault{{t.from, fmt.Sprintf("nothing is open that this `%s` could close", t.value)}}
		}
		last := open[len(open)-1]
		open = open[:len(open)-1]
		if want := "([{"[closes : closes+1]; last.value != want {
			return []Fault{{t.from, fmt.Sprintf("`%s` closes nothing here: `%s` was opened last", t.value, last.value)}}
		}
	}
	var faults []Fault
	for _, t := range open {
		faults = append(faults, Fault{t.from, fmt.Sprintf("this `%s` is never closed", t.value)})
	}
	return faults
}

// mend reports what people write for expr's operators and puts the right ones
// in their place, so that the rest can be checked as well.
func (s *source) mend() []Fault {
	var faults []Fault
	for i := 0; i < len(s.tokens); i++ {
		wrong, right, words := s.mistaken(i)
		if wrong == 0 {
			continue
		}
		t := s.tokens[i]
		written := string(s.runes[t.from:s.tokens[i+wrong-1].to])
		faults = append(faults, Fault{t.from, fmt.Sprintf("`%s` is not an operator, did you mean %s?", written, words)})
		t.kind, t.value, t.text = lexer.Operator, right, right
		t.to = s.tokens[i+wrong-1].to
		s.tokens = slices.Replace(s.tokens, i, i+wrong, t)
	}
	return faults
}

// mistaken looks for a mistaken operator at token i: over how many tokens it
// goes, what stands for it, and what to suggest.
func (s *source) mistaken(i int) (tokens int, right, words string) {
	t := s.tokens[i]
	switch t.kind {
	case lexer.Operator:
		return s.mistakenSign(i)
	case lexer.Identifier:
		if i > 0 && isDot(s.tokens[i-1]) {
			return 0, "", ""
		}
		return s.mistakenWord(i)
	}
	return 0, "", ""
}

func (s *source) mistakenSign(i int) (tokens int, right, words string) {
	next := ""
	if i+1 < len(s.tokens) && s.tokens[i+1].kind == lexer.Operator && s.tokens[i+1].from == s.tokens[i].to {
		next = s.tokens[i+1].value
	}
	switch sign := s.tokens[i].value; {
	case sign == "=" && (next == "<" || next == ">"):
		return 2, next + "=", "`" + next + "=`"
	case sign == "=":
		return 1, "==", "`==`"
	case (sign == "==" || sign == "!=") && next == "=":
		return 2, sign, "`" + sign + "`"
	case sign == "<" && next == ">":
		return 2, "!=", "`!=`"
	case sign == "&":
		return 1, "and", "`and`"
	}
	return 0, "", ""
}

func (s *source) mistakenWord(i int) (tokens int, right, words string) {
	word := s.tokens[i].value
	if i+1 < len(s.tokens) && s.tokens[i+1].is(lexer.Operator, ".") && !s.spaced(i) {
		return 0, "", "" // a member of something called so
	}
	switch lower := strings.ToLower(word); lower {
	case "and", "or", "not", "in", "matches", "contains":
		return 1, lower, "`" + lower + "`"
	case "startswith", "starts_with":
		return 1, "startsWith", "`startsWith`"
	case "endswith", "ends_with":
		return 1, "endsWith", "`endsWith`"
	case "like", "ilike":
		return 1, "contains", "`contains`, `startsWith` or `matches`"
	case "equals", "equal":
		return 1, "==", "`==`"
	case "is":
		if i+1 < len(s.tokens) && strings.EqualFold(s.tokens[i+1].value, "not") {
			return 2, "!=", "`!=`"
		}
		return 1, "==", "`==`"
	}
	return 0, "", ""
}

// spaced reports whether there is room behind token i.
func (s *source) spaced(i int) bool { return s.tokens[i+1].from > s.tokens[i].to }
