package io.mambabyte.model;

import static io.mambabyte.model.CheckpointException.printable;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the pickle of a PyTorch state dict as data. A pickle is a program for a stack machine that
 * may call any function of any Python module; this reader knows the opcodes that a state dict needs
 * and eleven names, each of which is a case below, and refuses every other one. Nothing is looked
 * up by name and nothing is called.
 *
 * <p>Each opcode pushes at most one value, so memory is bounded by the length of the pickle.
 */
final class StateDictPickle {
    /** Dictionaries that training scripts wrap around a state dict. */
    private static final List<String> WRAPPERS = List.of("state_dict", "model_state_dict", "model");

    /** What DistributedDataParallel and torch.compile put before every name. */
    private static final List<String> PREFIXES = List.of("module.", "_orig_mod.");

    /**
     * Numbers in an entry of the archive.
     *
     * @param key name of the entry under data/
     * @param type name of the storage class
     * @param elements how many numbers
     */
    record Storage(String key, String type, long elements) implements Value {}

    /**
     * A tensor: a row-major piece of a storage.
     *
     * @param storage where its numbers are
     * @param offset its first number
     * @param shape its dimensions
     * @param elements the product of the shape
     */
    record View(Storage storage, long offset, List<Long> shape, long elements) implements Value {}

    /** What can be on the stack. */
    sealed interface Value {}

    private record Text(String text) implements Value {}

    private record Whole(long value) implements Value {}

    /** None, a truth value or a float: occurs, but no state dict depends on it. */
    private record Ignored() implements Value {}

    /** A tuple or a list. */
    private record Items(List<Value> values) implements Value {}

    /** A dict or OrderedDict; entries whose key is not text are dropped. */
    private record Dict(Map<String, Value> entries) implements Value {}

    private record StorageType(String name) implements Value {}

    private enum Function implements Value {
        ORDERED_DICT,
        REBUILD_TENSOR,
        REBUILD_PARAMETER
    }

    private static final Ignored IGNORED = new Ignored();

    private final String file;
    private final ByteBuffer in;
    private final List<Value> stack = new ArrayList<>();
    private final Deque<Integer> marks = new ArrayDeque<>();
    private final Map<Integer, Value> memo = new HashMap<>();
    private int opcodeAt;

    private StateDictPickle(String file, byte[] pickle) {
        this.file = file;
        in = ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The tensors of a state dict.
     *
     * @param file what messages call the file
     * @param pickle data.pkl of the archive
     * @return by name, without the prefixes of wrappers
     * @throws CheckpointException if it is no pickle, or holds what no state dict needs
     */
    static Map<String, View> read(String file, byte[] pickle) throws CheckpointException {
        StateDictPickle machine = new StateDictPickle(file, pickle);
        try {
            return machine.stateDict(machine.run());
        } catch (BufferUnderflowException e) {
            throw new CheckpointException(
                    file
                            + ": pickle ends within the opcode at byte "
                            + machine.opcodeAt
                            + " of "
                            + pickle.length,
                    e);
        }
    }

    private Map<String, View> stateDict(Value root) throws CheckpointException {
        Dict dict = unwrap(root);
        if (dict.entries().isEmpty()) {
            throw CheckpointException.file(file, "a state dict", "an empty dictionary");
        }
        Map<String, View> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, Value> entry : dict.entries().entrySet()) {
            if (!(entry.getValue() instanceof View view)) {
                throw CheckpointException.tensor(
                        file, entry.getKey(), "a tensor", kind(entry.getValue()));
            }
            tensors.put(entry.getKey(), view);
        }
        for (String prefix : PREFIXES) {
            if (tensors.keySet().stream().allMatch(name -> name.startsWith(prefix))) {
                Map<String, View> bare = new LinkedHashMap<>();
                tensors.forEach((name, view) -> bare.put(name.substring(prefix.length()), view));
                tensors = bare;
            }
        }
        return tensors;
    }

    private Dict unwrap(Value root) throws CheckpointException {
        if (!(root instanceof Dict dict)) {
            throw CheckpointException.file(file, "a state dict", kind(root));
        }
        for (String wrapper : WRAPPERS) {
            if (dict.entries().get(wrapper) instanceof Dict inner) {
                return inner;
            }
        }
        return dict;
    }

    /** Runs to the STOP opcode and gives what is then on the stack. */
    private Value run() throws CheckpointException {
        while (true) {
            opcodeAt = in.position();
            int opcode = in.get() & 0xff;
            switch (opcode) {
                case 0x80 -> protocol(in.get());
                case '.' -> {
                    return result();
                }
                case '(' -> marks.push(stack.size());
                case 'N', 0x88, 0x89 -> push(IGNORED);
                case 'G' -> {
                    in.getDouble();
                    push(IGNORED);
                }
                case 'J' -> push(new Whole(in.getInt()));
                case 'K' -> push(new Whole(in.get() & 0xff));
                case 'M' -> push(new Whole(in.getShort() & 0xffff));
                case 0x8a -> push(new Whole(long1()));
                case 'X' -> push(new Text(text(in.getInt())));
                case ']', ')' -> push(new Items(new ArrayList<>()));
                case '}' -> push(new Dict(new LinkedHashMap<>()));
                case 't' -> {
                    List<Value> values = sinceMark();
                    push(new Items(values));
                }
                case 0x85 -> push(new Items(last(1)));
                case 0x86 -> push(new Items(last(2)));
                case 0x87 -> push(new Items(last(3)));
                case 'a' -> {
                    Value value = pop();
                    items(peek(), "APPEND").values().add(value);
                }
                case 'e' -> {
                    List<Value> values = sinceMark();
                    items(peek(), "APPENDS").values().addAll(values);
                }
                case 's' -> {
                    List<Value> pair = last(2);
                    put(dict(peek(), "SETITEM"), pair);
                }
                case 'u' -> {
                    List<Value> pairs = sinceMark();
                    put(dict(peek(), "SETITEMS"), pairs);
                }
                case 'q' -> memo.put(in.get() & 0xff, peek());
                case 'r' -> memo.put(in.getInt(), peek());
                case 'h' -> push(remembered(in.get() & 0xff));
                case 'j' -> push(remembered(in.getInt()));
                case 'c' -> push(global(line(), line()));
                case 'Q' -> push(storage(pop()));
                case 'R' -> {
                    Value arguments = pop();
                    push(reduce(pop(), items(arguments, "REDUCE").values()));
                }
                case 'b' -> build();
                default ->
                        throw refused(
                                "opcodes of a state dict", String.format("opcode 0x%02x", opcode));
            }
        }
    }

    private void protocol(byte version) throws CheckpointException {
        if (version != 2) {
            throw refused("pickle protocol 2, which torch.save writes", "protocol " + version);
        }
    }

    private Value result() throws CheckpointException {
        if (stack.size() != 1 || !marks.isEmpty() || in.hasRemaining()) {
            throw refused("one value at the end of the pickle", "something else");
        }
        return stack.get(0);
    }

    private void push(Value value) {
        stack.add(value);
    }

    private Value pop() throws CheckpointException {
        return last(1).get(0);
    }

    private Value peek() throws CheckpointException {
        requireOnStack(1);
        return stack.get(stack.size() - 1);
    }

    /** Takes the topmost values, in the order in which they were pushed. */
    private List<Value> last(int count) throws CheckpointException {
        requireOnStack(count);
        List<Value> top = stack.subList(stack.size() - count, stack.size());
        List<Value> values = new ArrayList<>(top);
        top.clear();
        return values;
    }

    private List<Value> sinceMark() throws CheckpointException {
        if (marks.isEmpty()) {
            throw refused("a mark on the stack", "none");
        }
        int mark = marks.pop();
        return last(stack.size() - mark);
    }

    /** No opcode may reach below the last mark, as in Python. */
    private void requireOnStack(int count) throws CheckpointException {
        int floor = marks.isEmpty() ? 0 : marks.getFirst();
        if (stack.size() - count < floor) {
            throw refused(count + " values on the stack", Integer.toString(stack.size() - floor));
        }
    }

    private Value remembered(int index) throws CheckpointException {
        Value value = memo.get(index);
        if (value == null) {
            throw refused("a remembered value", "none at index " + index);
        }
        return value;
    }

    private long long1() throws CheckpointException {
        int bytes = in.get() & 0xff;
        if (bytes > Long.BYTES) {
            throw refused("an integer of at most 8 bytes", bytes + " bytes");
        }
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (in.get() & 0xffL) << (8 * i);
        }
        int unused = Long.SIZE - 8 * bytes;
        return bytes == 0 ? 0 : value << unused >> unused;
    }

    private String text(int bytes) throws CheckpointException {
        if (bytes < 0 || bytes > in.remaining()) {
            throw refused(
                    "text within the pickle", Integer.toUnsignedString(bytes) + " bytes of text");
        }
        ByteBuffer piece = in.slice(in.position(), bytes);
        in.position(in.position() + bytes);
        return utf8(piece);
    }

    /** A line of ASCII: the arguments of GLOBAL. */
    private String line() throws CheckpointException {
        int start = in.position();
        while (in.get() != '\n') {
            // The end of the pickle ends the search.
        }
        return utf8(in.slice(start, in.position() - 1 - start));
    }

    private String utf8(ByteBuffer bytes) throws CheckpointException {
        try {
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(bytes);
            return text.toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(
                    file + ": pickle byte " + opcodeAt + ": text is not UTF-8", e);
        }
    }

    private Value global(String module, String name) throws CheckpointException {
        String global = module + "." + name;
        return switch (global) {
            case "collections.OrderedDict" -> Function.ORDERED_DICT;
            case "torch._utils._rebuild_tensor_v2" -> Function.REBUILD_TENSOR;
            case "torch._utils._rebuild_parameter" -> Function.REBUILD_PARAMETER;
            case "torch.FloatStorage",
                    "torch.HalfStorage",
                    "torch.BFloat16Storage",
                    // Beside a model, in a training checkpoint.
                    "torch.DoubleStorage",
                    "torch.LongStorage",
                    "torch.IntStorage",
                    "torch.ByteStorage",
                    "torch.BoolStorage" ->
                    new StorageType(name);
            default -> throw refused("names that a state dict needs", printable(global));
        };
    }

    /** What the persistent id ('storage', type, key, device, elements) stands for. */
    private Storage storage(Value id) throws CheckpointException {
        if (id instanceof Items(List<Value> values)
                && values.size() == 5
                && values.get(0) instanceof Text(String tag)
                && tag.equals("storage")
                && values.get(1) instanceof StorageType(String type)
                && values.get(2) instanceof Text(String key)
                && values.get(4) instanceof Whole(long elements)
                && elements >= 0) {
            return new Storage(key, type, elements);
        }
        throw refused("('storage', type, key, device, elements) as persistent id", "another");
    }

    private Value reduce(Value callable, List<Value> arguments) throws CheckpointException {
        if (!(callable instanceof Function function)) {
            throw refused("a call of one of the known names", "a call of " + kind(callable));
        }
        switch (function) {
            case ORDERED_DICT -> {
                if (arguments.isEmpty()) {
                    return new Dict(new LinkedHashMap<>());
                }
            }
            case REBUILD_TENSOR -> {
                if ((arguments.size() == 6 || arguments.size() == 7)
                        && arguments.get(0) instanceof Storage storage
                        && arguments.get(1) instanceof Whole(long offset)
                        && arguments.get(2) instanceof Items size
                        && arguments.get(3) instanceof Items stride) {
                    return view(storage, offset, wholes(size), wholes(stride));
                }
            }
            case REBUILD_PARAMETER -> {
                if (arguments.size() == 3 && arguments.get(0) instanceof View view) {
                    return view;
                }
            }
        }
        throw refused("the arguments that " + function + " takes", "others");
    }

    private List<Long> wholes(Items items) throws CheckpointException {
        List<Long> wholes = new ArrayList<>();
        for (Value value : items.values()) {
            if (!(value instanceof Whole(long whole)) || whole < 0) {
                throw refused("dimensions from 0 on", kind(value));
            }
            wholes.add(whole);
        }
        return List.copyOf(wholes);
    }

    private View view(Storage storage, long offset, List<Long> shape, List<Long> stride)
            throws CheckpointException {
        Optional<Long> elements = elements(shape);
        if (elements.isEmpty()
                || offset < 0
                || offset > storage.elements()
                || elements.get() > storage.elements() - offset) {
            throw refused(
                    "a tensor within the " + storage.elements() + " numbers of its storage",
                    "shape " + shape + " from number " + offset + " on");
        }
        if (!isRowMajor(shape, stride)) {
            throw refused(
                    "a contiguous tensor (tensor.contiguous() before torch.save makes it one)",
                    "shape " + shape + " with strides " + stride);
        }
        return new View(storage, offset, shape, elements.get());
    }

    /** The product, empty where it does not fit a long. */
    private static Optional<Long> elements(List<Long> shape) {
        if (shape.contains(0L)) {
            return Optional.of(0L);
        }
        long product = 1;
        for (long dimension : shape) {
            if (dimension > Long.MAX_VALUE / product) {
                return Optional.empty();
            }
            product *= dimension;
        }
        return Optional.of(product);
    }

    private static boolean isRowMajor(List<Long> shape, List<Long> stride) {
        if (shape.size() != stride.size()) {
            return false;
        }
        if (shape.contains(0L)) {
            return true;
        }
        long wanted = 1;
        for (int i = shape.size() - 1; i >= 0; i--) {
            // A dimension of one is never stepped along, and PyTorch leaves anything there.
            if (shape.get(i) != 1 && stride.get(i) != wanted) {
                return false;
            }
            wanted *= shape.get(i);
        }
        return true;
    }

    /** Attributes of a dictionary: a state dict carries the versions of its modules in them. */
    private void build() throws CheckpointException {
        Value state = pop();
        if (!(peek() instanceof Dict) || !(state instanceof Dict)) {
            throw refused("attributes of a dictionary only", "those of " + kind(peek()));
        }
    }

    private void put(Dict dict, List<Value> keysAndValues) throws CheckpointException {
        if (keysAndValues.size() % 2 != 0) {
            throw refused("a value for each key", "a key without one");
        }
        for (int i = 0; i < keysAndValues.size(); i += 2) {
            if (keysAndValues.get(i) instanceof Text(String key)) {
                dict.entries().put(key, keysAndValues.get(i + 1));
            }
        }
    }

    private Items items(Value value, String opcode) throws CheckpointException {
        if (value instanceof Items items) {
            return items;
        }
        throw refused("a tuple or list for " + opcode, kind(value));
    }

    private Dict dict(Value value, String opcode) throws CheckpointException {
        if (value instanceof Dict dict) {
            return dict;
        }
        throw refused("a dictionary for " + opcode, kind(value));
    }

    private static String kind(Value value) {
        return switch (value) {
            case Storage _ -> "a storage";
            case View _ -> "a tensor";
            case Text _ -> "text";
            case Whole _ -> "an integer";
            case Ignored _ -> "None, a truth value or a float";
            case Items _ -> "a tuple or list";
            case Dict _ -> "a dictionary";
            case StorageType _ -> "a type";
            case Function _ -> "a function";
        };
    }

    private CheckpointException refused(String expected, String found) {
        return CheckpointException.file(
                file,
                expected,
                found + " (pickle byte " + opcodeAt + "; nothing of a pickle is executed here)");
    }
}
