package io.mambabyte.app;

import io.mambabyte.model.CheckpointException;
import io.mambabyte.train.UnusableDataException;

import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** A command that fails says why in one line; its stack trace is for {@code --debug}. */
final class Failures implements IExecutionExceptionHandler {
    @Override
    public int handleExecutionException(
            Exception failure, CommandLine command, ParseResult parsed) {
        Object root = command.getCommandSpec().root().userObject();
        if (root instanceof Main main && main.debug()) {
            failure.printStackTrace(command.getErr());
        }
        command.getErr().println("mambabyte: " + line(failure));
        command.getErr().flush();
        return CommandLine.ExitCode.SOFTWARE;
    }

    private static String line(Exception failure) {
        String message = failure.getMessage() == null ? "" : failure.getMessage();
        String text =
                switch (failure) {
                    case CheckpointException _ -> message;
                    case UnusableDataException _ -> message;
                    case NoSuchFileException e -> e.getFile() + ": no such file";
                    case AccessDeniedException e -> e.getFile() + ": permission denied";
                    case FileSystemException e ->
                            e.getFile() + ": " + (e.getReason() == null ? e : e.getReason());
                    case FileNotFoundException _ -> message;
                    case IOException _ -> message.isEmpty() ? failure.toString() : message;
                    default ->
                            failure.getClass().getSimpleName()
                                    + (message.isEmpty() ? "" : ": " + message)
                                    + " (--debug shows where)";
                };
        return text.lines().findFirst().orElse(failure.toString());
    }
}
