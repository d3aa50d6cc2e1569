package io.mambabyte.app.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How rare a line's template is, templates found as Drain does (He et al., ICWS 2017): lines of the
 * same number of words and the same first words are compared word by word, and join the template
 * that at least half of their words agree with; words that differ become wildcards.
 */
final class TemplateRarity extends LineDetector {
    private static final double SIMILAR = 0.5;
    private static final int PREFIX_WORDS = 2;
    private static final String WILDCARD = "<*>";

    private static final class Template {
        final String[] words;
        int count;

        Template(String[] words) {
            this.words = words;
        }
    }

    private final Map<String, List<Template>> groups = new HashMap<>();
    private long lines;

    TemplateRarity() {
        super("template-rarity");
    }

    @Override
    void learnLine(byte[] line) {
        lines++;
        String[] words = words(line);
        List<Template> group = groups.computeIfAbsent(group(words), key -> new ArrayList<>());
        Template best = closest(group, words);
        if (best == null) {
            best = new Template(words);
            group.add(best);
        }
        best.count++;
        for (int i = 0; i < words.length; i++) {
            if (!best.words[i].equals(words[i])) {
                best.words[i] = WILDCARD;
            }
        }
    }

    @Override
    double[] scoreLine(byte[] line) {
        String[] words = words(line);
        Template best = closest(groups.getOrDefault(group(words), List.of()), words);
        int count = best == null ? 0 : best.count;
        return new double[] {Math.log((lines + 1) / (count + 0.5)) / Math.log(2)};
    }

    private static String[] words(byte[] line) {
        return Text.masked(line).strip().split("\\s+");
    }

    /** Number of words and the first of them, those with a number left out, as in Drain's tree. */
    private static String group(String[] words) {
        StringBuilder group = new StringBuilder().append(words.length);
        Arrays.stream(words)
                .limit(PREFIX_WORDS)
                .forEach(word -> group.append(' ').append(word.contains("#") ? WILDCARD : word));
        return group.toString();
    }

    private static @org.jspecify.annotations.Nullable Template closest(
            List<Template> group, String[] words) {
        Template best = null;
        double most = SIMILAR;
        for (Template template : group) {
            int same = 0;
            for (int i = 0; i < words.length; i++) {
                same += template.words[i].equals(words[i]) ? 1 : 0;
            }
            double share = same / (double) words.length;
            if (share >= most) {
                most = share;
                best = template;
            }
        }
        return best;
    }
}
